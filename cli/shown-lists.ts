import { Interner } from '../algorithms/interner.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/** What makes items one group in a report. */
export const itemGroupFields = ['brand', 'category'] as const
export type ItemGroupField = (typeof itemGroupFields)[number]

/** One list as somebody saw it. */
export interface ShownList {
  readonly userId: string
  readonly decisionId: string
  readonly timeMs: number
  /** Rows of `ShownLists`, first place first. */
  readonly rows: Int32Array
}

/** The newest lists that were shown, and the items they show, by row. */
export interface ShownLists {
  readonly lists: readonly ShownList[]
  /** Group by row; −1 = none, or an item that the catalogue does not have. */
  readonly itemGroups: Int32Array
  readonly groupNames: readonly string[]
  /** Rows of all items in stock. */
  readonly offered: Int32Array
}

const rowsMax = 1 << 22

/**
 * Reads shown lists (topic `decisions`) and the catalogue (topic `items`). A decision that was sent again counts once.
 *
 * @param options `limit` newest lists; `hours` before the newest of them; `surface` if only one counts.
 */
export async function readShownLists(
  ports: Pick<OpenPorts, 'log' | 'wire'>,
  options: { readonly of: ItemGroupField; readonly limit: number; readonly hours: number; readonly surface?: string | undefined },
): Promise<ShownLists> {
  const items = new Interner(rowsMax)
  const names = new Interner(rowsMax)
  const groups: number[] = []
  const isOffered: boolean[] = []
  for await (const { key, value } of readTopic(ports, 'items')) {
    const row = items.add(value?.itemId ?? key ?? '')
    isOffered[row] = value !== null && value.stock !== 0
    const name = options.of === 'brand' ? value?.brand : value?.category[0]
    if (value !== null) groups[row] = name == null ? -1 : names.add(name)
  }
  const newest = new Map<string, ShownList>()
  for await (const { value } of readTopic(ports, 'decisions')) {
    if (!value || (options.surface !== undefined && value.surface !== options.surface)) continue
    const { userId, decisionId, timeMs } = value
    const slots = [...value.slots].sort((a, b) => a.position - b.position)
    newest.set(decisionId, { userId, decisionId, timeMs, rows: Int32Array.from(slots, ({ itemId }) => items.add(itemId)) })
    if (newest.size >= 2 * options.limit) trim(newest, options.limit)
  }
  trim(newest, options.limit)
  const lastMs = [...newest.values()].reduce((last, { timeMs }) => Math.max(last, timeMs), 0)
  return {
    lists: [...newest.values()].filter(({ timeMs }) => timeMs > lastMs - options.hours * 3_600_000),
    itemGroups: Int32Array.from({ length: items.size }, (_, row) => groups[row] ?? -1),
    groupNames: Array.from({ length: names.size }, (_, number) => names.text(number)),
    offered: Int32Array.from([...isOffered.keys()].filter((row) => isOffered[row])),
  }
}

/** Keeps the newest. */
function trim(lists: Map<string, ShownList>, countMax: number): void {
  const old = [...lists.values()].sort((a, b) => b.timeMs - a.timeMs).slice(countMax)
  for (const { decisionId } of old) lists.delete(decisionId)
}
