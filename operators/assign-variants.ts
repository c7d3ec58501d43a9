import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { ExperimentTable } from '../ports/experiment-table.ts'
import { assignExperiments } from '../schemas/assign-experiments.ts'
import { makesLists } from '../schemas/experiment.ts'
import type { ListDraft } from './list-draft.ts'

/**
 * Tells each list the variant whose settings it is made with, by the hashes that the gateway assigns people by: only a list made under a
 * variant counts as a showing of it. An experiment that is created, changed or stopped reaches a person with their next list.
 *
 *     source  x--y--|     x = [draft of one in variant b]   y = [draft of one in no experiment]
 *     result  x--y--|     x = [the same, made under b]      y = [the same]
 *
 * - Order: drafts keep theirs.
 * - Bound: none needed.
 * - Time: the event time of the list, for experiments with a beginning and an end.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function assignVariants(
  experiments: ExperimentTable,
  options: { readonly surface: string },
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  return map((batch) => {
    const { running } = experiments
    if (!running.some(makesLists)) return batch
    for (const draft of batch.records) {
      const { userId, eventTimeMs: timeMs } = draft.update
      draft.made = assignExperiments(running, { userId, surface: options.surface, timeMs }).made
    }
    return batch
  })
}
