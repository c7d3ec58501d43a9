import { candidateSources } from '../candidate-set.ts'
import type { Catalogue } from '../catalogue.ts'
import { shrunkLift } from '../shrunk-lift.ts'
import type { CandidateSource } from './candidate-source.ts'
import { RowScores } from './row-scores.ts'

const seedsMax = 8

/**
 * What completes the cart and the latest purchases (features.md F3.17): bought with or after them more often than by chance, Σ lift, and of
 * another leaf category, since what stands in for a thing is no complement.
 */
export function togetherCandidates(catalogue: Catalogue): CandidateSource {
  const column = candidateSources.indexOf('together')
  const sums = new RowScores()
  return {
    name: 'together',
    retrieve(user, set, countMax) {
      const seeds = Math.min(seedsMax, user.basketRows.length)
      for (let i = 0; i < seeds; i++) {
        const seed = user.basketRows[i]!
        const leaf = catalogue.leafCategory[seed]!
        const { rows, weights } = catalogue.together(seed)
        for (let j = 0; j < rows.length; j++) {
          const row = rows[j]!
          if (leaf >= 0 && catalogue.leafCategory[row] === leaf) continue
          const lift = shrunkLift(weights[j]!, catalogue.followed[seed]! * catalogue.purchases.of(row))
          if (lift > 1) sums.add(row, lift, seed)
        }
      }
      const { rows, scores, because, count } = sums.take(countMax)
      set.addRanked(column, rows, scores, count, because)
    },
  }
}
