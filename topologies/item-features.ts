import { foldItemSignals } from '../operators/fold-item-signals.ts'
import { foldItems } from '../operators/fold-items.ts'
import type { PurchaseTable } from '../operators/tables/purchase-table.ts'
import { toItemLists } from '../operators/to-item-lists.ts'
import { toItemUpdates } from '../operators/to-item-updates.ts'
import { toTrendLists } from '../operators/to-trend-lists.ts'
import { toTrendUpdates } from '../operators/to-trend-updates.ts'
import { defineTopology } from '../runtime/define-topology.ts'

export interface ItemFeaturesPorts {
  readonly itemFeatures: { readonly everyMs: number }
  readonly purchases: PurchaseTable
  readonly serve: { readonly ttlS: number }
}

/**
 *  item-updates: table
 *
 *  items ─ catalogue ──────┐
 *  item-signals ─ signals ─┴ moved ─┬─ updates ─┬───────────────▶ item-updates
 *                                   │           └─ item-lists ──┐
 *                                   └─ trends ──┬───────────────▶ trend-updates
 *                                               └─ trend-lists ─┴ all-lists ─▶ lists
 */
export const itemFeatures = defineTopology<ItemFeaturesPorts>('item-features', ({ ports, source, merge, table }) => {
  table('item-updates', ports.purchases)
  const catalogue = source('items', { tombstones: true }).step('catalogue', foldItems())
  const signals = source('item-signals').step('signals', foldItemSignals(ports.itemFeatures))
  const moved = merge('moved', catalogue, signals)
  const updates = moved.step('updates', toItemUpdates())
  const trends = moved.step('trends', toTrendUpdates())
  updates.sink('item-updates')
  trends.sink('trend-updates')
  merge(
    'all-lists',
    updates.step('item-lists', toItemLists(ports.purchases, ports.serve)),
    trends.step('trend-lists', toTrendLists(ports.serve)),
  ).sink('lists')
})
