import type { ImportRecord } from './import-format.ts'
import { itemRecord } from './import-records.ts'

/** Items remembered; further ones get no record of their own, only their events. */
const itemsMax = 2_000_000

/** Puts an item record before the first event that names an item nobody described: title = id, created at that moment. */
export async function* firstSight(blocks: AsyncGenerator<ImportRecord[]>): AsyncGenerator<ImportRecord[]> {
  const seen = new Set<string>()
  for await (const block of blocks) {
    const records: ImportRecord[] = []
    for (const record of block) {
      if (record.topic === 'items') seen.add(record.key)
      else if (record.topic === 'user-events' && record.value.itemId !== null && seen.size < itemsMax) {
        const { itemId, timeMs, category, brand, price } = record.value
        if (!seen.has(itemId)) {
          seen.add(itemId)
          records.push(itemRecord({ itemId, createdMs: timeMs, category, brand, price: price ?? 0 }))
        }
      }
      records.push(record)
    }
    yield records
  }
}
