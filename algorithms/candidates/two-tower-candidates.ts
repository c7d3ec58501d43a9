import { candidateSources } from '../candidate-set.ts'
import type { Catalogue } from '../catalogue.ts'
import { insertBest } from '../top-k.ts'
import type { CandidateSource } from './candidate-source.ts'

/** Items whose vector is nearest to the person's: exact search over all rows that have one (features.md F3.2). */
export function twoTowerCandidates(catalogue: Catalogue): CandidateSource {
  const column = candidateSources.indexOf('two_tower')
  return {
    name: 'two_tower',
    retrieve(user, set, countMax) {
      const query = user.vector
      if (!query) return
      const rows = new Int32Array(countMax)
      const scores = new Float64Array(countMax)
      const { vectors } = catalogue
      const products = vectors.products(query)
      let count = 0
      let worst = Number.NEGATIVE_INFINITY
      for (let row = 0; row < products.length; row++) {
        const product = products[row]!
        // Few rows come so far: what each costs is this comparison. A tie goes to the row that was first.
        if (product <= worst || !vectors.has(row) || !catalogue.available(row)) continue
        // Cosine lies in [-1, 1]; candidates need a positive score.
        count = insertBest(rows, scores, count, row, (1 + product) / 2)
        if (count === countMax) worst = 2 * scores[count - 1]! - 1
      }
      set.addRanked(column, rows, scores, count)
    },
  }
}
