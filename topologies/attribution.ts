import { attributeRevenue } from '../operators/attribute-revenue.ts'
import { pickChanges } from '../operators/pick-changes.ts'
import type { AttributionOptions } from '../operators/shopper-fold.ts'
import type { Attributable } from '../operators/waiting-room.ts'
import { defineTopology } from '../runtime/define-topology.ts'

export interface AttributionPorts {
  readonly attribution: AttributionOptions
}

/**
 *  decisions ───┐                        ┌ tiles ────▶ revenue-tiles
 *  user-events ─┼ inputs ─ attribute ────┼ variants ─▶ variant-revenue
 *  users ───────┘                        └ segments ─▶ segment-updates
 */
export const attribution = defineTopology<AttributionPorts>('attribution', ({ ports, source, merge }) => {
  const { latenessMs } = ports.attribution
  const decisions = source('decisions', { timeOf: (decision) => decision.timeMs, latenessMs })
  const events = source('user-events', { timeOf: (event) => event.timeMs, latenessMs })
  const users = source('users', { tombstones: true })
  const changes = merge<Attributable>('inputs', decisions, events, users).step('attribute', attributeRevenue(ports.attribution))
  changes
    .step(
      'tiles',
      pickChanges((changes) => changes.tiles),
    )
    .sink('revenue-tiles')
  changes
    .step(
      'variants',
      pickChanges((changes) => changes.variants),
    )
    .sink('variant-revenue')
  changes
    .step(
      'segments',
      pickChanges((changes) => changes.segments),
    )
    .sink('segment-updates')
})
