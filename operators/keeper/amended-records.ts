import type { OutgoingRecord } from '../../ports/event-log.ts'
import type { ListStore } from '../../ports/list-store.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import type { Recommendation } from '../../schemas/recommendation.ts'
import { decodeServed, type ServedList, versionOfServed } from '../../schemas/served-list.ts'
import type { WireFormat } from '../../schemas/wire-format.ts'
import type { KeptLists } from './kept-lists.ts'

/** Stored lists of a partition as records of `recommendations`; one that was replaced since was published by its own batch. */
export async function amendedRecords(
  { lists, wire }: { readonly lists: Pick<ListStore, 'get'>; readonly wire: WireFormat },
  { part, partition, surface }: { readonly part: KeptLists; readonly partition: number; readonly surface: string },
  rows: readonly number[],
): Promise<readonly OutgoingRecord[]> {
  const userIds = rows.map((row) => part.index.keyOf(row))
  const texts = await lists.get(userIds.map((userId) => listKeys.recommendations(userId, surface)))
  return rows.flatMap((row, n) => {
    const text = texts[n] ?? null
    const known = part.index.get(row)
    const stored = versionOfServed(text)
    const list = decodeServed<ServedList>(text) as Recommendation | null
    if (list === null || stored.epoch !== known.epoch || stored.position !== known.position) return []
    return [{ topic: 'recommendations', partition, key: userIds[n]!, value: wire.encode('recommendations', list) }]
  })
}
