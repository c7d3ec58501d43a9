import { map } from 'rxjs'
import { defineTopology } from '../../runtime/define-topology.ts'
import { dropCheap } from './drop-cheap.ts'

/**
 *  user-events ─ pricey ─ alert ─▶ alerts
 */
export const priceyPeople = defineTopology<{ readonly pricey: { readonly priceMin: number } }>(
  'pricey-people',
  ({ ports, source }) => {
    source('user-events', { timeOf: (event) => event.timeMs })
      .step('pricey', dropCheap(ports.pricey))
      .step(
        'alert',
        map((batch) => ({
          ...batch,
          records: batch.records.map(({ key, value }) => ({ key, value: alertOf(value.userId, value.price ?? 0, value.timeMs) })),
        })),
      )
      .sink('alerts')
  },
)

function alertOf(userId: string, value: number, eventTimeMs: number) {
  return {
    name: `pricey ${userId}`,
    severity: 'info' as const,
    state: 'firing' as const,
    message: `${userId} looks at ${value}`,
    value,
    eventTimeMs,
  }
}
