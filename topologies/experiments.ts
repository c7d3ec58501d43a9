import { foldExperiments } from '../operators/fold-experiments.ts'
import type { ExperimentTable } from '../operators/tables/experiment-table.ts'
import { toExperimentResults } from '../operators/to-experiment-results.ts'
import { defineTopology } from '../runtime/define-topology.ts'

export interface ExperimentsPorts {
  readonly experiments: ExperimentTable
}

/**
 *  experiment-deltas ─ fold ─ compare ─▶ experiment-results
 *  experiments: table
 */
export const experiments = defineTopology<ExperimentsPorts>('experiments', ({ ports, source, table }) => {
  table('experiments', ports.experiments)
  source('experiment-deltas')
    .step('fold', foldExperiments())
    .step('compare', toExperimentResults(ports.experiments))
    .sink('experiment-results')
})
