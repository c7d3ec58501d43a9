import { candidateSources } from '../candidate-set.ts'
import type { CandidateSource } from './candidate-source.ts'

/** What a trained sequence model expects next, by its odds against its best (features.md area 5); nothing without a model. */
export function sequenceCandidates(): CandidateSource {
  const column = candidateSources.indexOf('sequence')
  return {
    name: 'sequence',
    retrieve(user, set, countMax) {
      if (!user.next) return
      const { rows, scores } = user.next
      let taken = 0
      for (let i = 0; i < rows.length && taken < countMax; i++) {
        set.add(column, rows[i]!, Math.exp(scores[i]! - scores[0]!), -1)
        taken++
      }
    },
  }
}
