import { candidateSources } from '../candidate-set.ts'
import type { Catalogue } from '../catalogue.ts'
import type { CandidateSource } from './candidate-source.ts'
import { RowScores } from './row-scores.ts'

const seedsMax = 8

/** What is bought with the cart and the latest purchases (features.md F3.17). */
export function togetherCandidates(catalogue: Catalogue): CandidateSource {
  const column = candidateSources.indexOf('together')
  const sums = new RowScores()
  return {
    name: 'together',
    retrieve(user, set, countMax) {
      const seeds = Math.min(seedsMax, user.basketRows.length)
      for (let i = 0; i < seeds; i++) {
        const seed = user.basketRows[i]!
        const { rows, weights } = catalogue.together(seed)
        for (let j = 0; j < rows.length; j++) sums.add(rows[j]!, weights[j]!, seed)
      }
      const { rows, scores, because, count } = sums.take(countMax)
      set.addRanked(column, rows, scores, count, because)
    },
  }
}
