import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Experiment } from '../schemas/experiment.ts'
import type { ExperimentResult } from '../schemas/experiment-result.ts'
import type { ExperimentStop } from '../schemas/experiment-stop.ts'
import type { ExperimentDefinitions } from './to-experiment-results.ts'

/** Where experiments, and what stopped them, are looked up. */
export interface StoppedExperiments extends ExperimentDefinitions {
  /** The newest stop of an experiment, of whatever revision. */
  stop(id: string): ExperimentStop | undefined
}

/**
 * Stops an experiment once a guardrail of it is surely broken: one record on a compacted topic, which holds for this revision of the
 * experiment whatever later results say and whoever crashes. A later revision begins without one, which is told as null.
 *
 *     source  x----y----z--|     x = [guardrail broken]   y = [open again]   z = [open, created again since]
 *     result  s----e----n--|     s = [stop]               e = []             n = [null]
 *
 * - Order: experiments in order of their first result; batches keep theirs.
 * - Bound: holds one batch, and what it told last of each experiment until the topic's own table tells it.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function guardExperiments(
  experiments: StoppedExperiments,
): OperatorFunction<Batch<Keyed<ExperimentResult>>, Batch<Keyed<ExperimentStop | null>>> {
  const told = new Map<string, string>()
  return map((batch) => {
    const records: Keyed<ExperimentStop | null>[] = []
    for (const [id, results] of Map.groupBy(batch.records, ({ value }) => value.experiment)) {
      const change = changeOf(experiments, id, results)
      const what = change && `${change.revision} ${change.value === null ? 'runs' : 'stopped'}`
      if (!change || told.get(id) === what) continue
      told.set(id, what!)
      records.push({ key: id, value: change.value })
    }
    return { ...batch, records }
  })
}

/** What is to be told of an experiment; null if nothing is new. */
function changeOf(
  experiments: StoppedExperiments,
  id: string,
  results: readonly Keyed<ExperimentResult>[],
): { readonly revision: number; readonly value: ExperimentStop | null } | null {
  const experiment = experiments.get(id)
  const before = experiments.stop(id)
  if (experiment?.state !== 'running' || (before && before.revision >= experiment.revision)) return null
  const { revision } = experiment
  const broken = results.find(({ value }) => value.guardrail === 'broken')
  if (broken) return { revision, value: stopOf(experiment, broken.value) }
  return before ? { revision, value: null } : null
}

function stopOf({ id, revision, measures }: Experiment, result: ExperimentResult): ExperimentStop {
  const { metric, variant, lift, anytimeUpper, people, eventTimeMs } = result
  const { lossMax } = measures.find((measure) => measure.metric === metric)!
  // All three are known wherever a guardrail is broken.
  return { experiment: id, revision, metric, variant, lift: lift!, upper: anytimeUpper!, lossMax: lossMax!, people, eventTimeMs }
}
