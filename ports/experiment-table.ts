import type { Experiment } from '../schemas/experiment.ts'

/** The experiments that assign people now. */
export interface ExperimentTable {
  /** Those with a holdout first, then by layer and id: the same on every copy of the gateway. */
  readonly running: readonly Experiment[]
}
