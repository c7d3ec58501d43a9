import { map, type OperatorFunction } from 'rxjs'
import type { CandidateSource } from '../algorithms/candidates/candidate-source.ts'
import type { Batch } from '../ports/batch.ts'
import type { ListDraft } from './list-draft.ts'

/**
 * Asks every candidate source for each list.
 *
 *     source  x--y--|     x = [draft]   y = [draft, draft]
 *     result  x--y--|     each draft's set filled by up to `countMax` items per source
 *
 * - Order: unchanged.
 * - Bound: a set holds its own `countMax`; sources that come later lose what does not fit.
 * - Time: none; sources read memory only.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function retrieveCandidates(
  sources: readonly CandidateSource[],
  options: { readonly countMax: number },
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  return map((batch) => {
    for (const draft of batch.records) for (const source of sources) source.retrieve(draft.user, draft.set, options.countMax)
    return batch
  })
}
