import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Alert } from '../schemas/alert.ts'
import type { ExperimentStop } from '../schemas/experiment-stop.ts'

/**
 * Tells people that a guardrail stopped an experiment, and that it runs again.
 *
 *     source  s--n--|     s = [stop of exp]             n = [null for exp]
 *     result  a--r--|     a = [experiment/exp firing]   r = [experiment/exp resolved]
 *
 * - Order: as the stops come; batches keep theirs.
 * - Bound: holds one batch.
 * - Time: none; an alert has the event time of its result, a resolved one that of the batch.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toExperimentAlerts(): OperatorFunction<Batch<Keyed<ExperimentStop | null>>, Batch<Keyed<Alert>>> {
  return map((batch) => ({
    ...batch,
    records: batch.records.map(({ key, value }) => {
      const name = `experiment/${key}`
      return { key: name, value: { name, ...(value === null ? resolved(key!, batch.watermarkMs) : fired(value)) } }
    }),
  }))
}

function fired({ experiment, metric, variant, lift, upper, lossMax, people, eventTimeMs }: ExperimentStop): Omit<Alert, 'name'> {
  const lost = `${metric} of ${variant}: ${percent(lift)}, at most ${percent(upper)}, with ${people} people; ${percent(-lossMax)} is borne`
  return {
    severity: 'critical',
    state: 'firing',
    message: `A guardrail stopped experiment ${experiment} (${lost}). Nobody is assigned any more; look at millrace experiment show ${experiment}, and create it again to go on.`,
    value: lift,
    eventTimeMs,
  }
}

function resolved(experiment: string, watermarkMs: number): Omit<Alert, 'name'> {
  const message = `Experiment ${experiment} was created again and assigns people.`
  return { severity: 'info', state: 'resolved', message, value: 0, eventTimeMs: Math.max(0, watermarkMs) }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
