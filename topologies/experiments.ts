import { foldExperiments } from '../operators/fold-experiments.ts'
import { guardExperiments } from '../operators/guard-experiments.ts'
import type { ExperimentTable } from '../operators/tables/experiment-table.ts'
import { toExperimentAlerts } from '../operators/to-experiment-alerts.ts'
import { toExperimentResults } from '../operators/to-experiment-results.ts'
import { defineTopology } from '../runtime/define-topology.ts'

export interface ExperimentsPorts {
  readonly experiments: ExperimentTable
}

/**
 *  experiment-deltas ─ fold ─ compare ─┬───────────▶ experiment-results
 *                                      └ guard ─┬──▶ experiment-stops
 *                                               └ alert ─▶ alerts
 *  experiments, experiment-stops: tables
 */
export const experiments = defineTopology<ExperimentsPorts>('experiments', ({ ports, source, table }) => {
  table('experiments', ports.experiments)
  table('experiment-stops', ports.experiments.stops)
  const results = source('experiment-deltas')
    .step('fold', foldExperiments())
    .step('compare', toExperimentResults(ports.experiments))
  results.sink('experiment-results')
  const stops = results.step('guard', guardExperiments(ports.experiments))
  stops.sink('experiment-stops')
  stops.step('alert', toExperimentAlerts()).sink('alerts')
})
