import { map, type OperatorFunction } from 'rxjs'
import { candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import type { CandidateSource } from '../algorithms/candidates/candidate-source.ts'
import type { Batch } from '../ports/batch.ts'
import type { ListDraft } from './list-draft.ts'

export interface RetrieveOptions {
  /** Candidates that each source may bring. */
  readonly countMax: number
  /** By name of a source, what its scores are multiplied by, ≥ 0; 0 leaves it out, and one that is not named counts 1. */
  readonly weights: Readonly<Record<string, number>>
}

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
  { countMax, weights }: RetrieveOptions,
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  const asked = sources.filter(({ name }) => weights[name] !== 0)
  const factors = candidateSources.map((name) => weights[name] ?? 1)
  const isWeighed = factors.some((factor) => factor !== 1)
  return map((batch) => {
    for (const draft of batch.records) {
      for (const source of asked) source.retrieve(draft.user, draft.set, countMax)
      if (isWeighed) weigh(draft, factors)
    }
    return batch
  })
}

function weigh({ set }: ListDraft, factors: readonly number[]): void {
  for (let at = 0; at < set.count * sourceCount; at++) set.scores[at]! *= factors[at % sourceCount]!
}
