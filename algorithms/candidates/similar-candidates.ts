import { candidateSources } from '../candidate-set.ts'
import type { Catalogue } from '../catalogue.ts'
import type { CandidateSource } from './candidate-source.ts'
import { RowScores } from './row-scores.ts'

/** Touched items looked at. */
const seedsMax = 12
/** Each older item counts this much of the one before. */
const fade = 0.85

/** What is often seen with the items a person touched: Σ strength · fade^age · co-visitation (features.md F3.8). */
export function similarCandidates(catalogue: Catalogue): CandidateSource {
  const column = candidateSources.indexOf('similar')
  const sums = new RowScores()
  return {
    name: 'similar',
    retrieve(user, set, countMax) {
      let share = 1
      const seeds = Math.min(seedsMax, user.recentRows.length)
      for (let i = 0; i < seeds; i++, share *= fade) {
        const seed = user.recentRows[i]!
        const { rows, weights } = catalogue.similar(seed)
        const strength = Math.max(0.1, user.recentStrengths[i]!) * share
        for (let j = 0; j < rows.length; j++) sums.add(rows[j]!, strength * weights[j]!, seed)
      }
      const { rows, scores, because, count } = sums.take(countMax)
      set.addRanked(column, rows, scores, count, because)
    },
  }
}
