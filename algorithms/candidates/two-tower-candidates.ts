import { candidateSources } from '../candidate-set.ts'
import { type Catalogue, embeddingWidth } from '../catalogue.ts'
import { dot } from '../cosine.ts'
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
      let count = 0
      const { vectors, hasVector, size } = catalogue
      for (let row = 0; row < size; row++) {
        if (hasVector[row] === 0 || !catalogue.available(row)) continue
        // Cosine lies in [-1, 1]; candidates need a positive score.
        const score = (1 + dot(query, vectors, embeddingWidth, 0, row * embeddingWidth)) / 2
        count = insertBest(rows, scores, count, row, score)
      }
      set.addRanked(column, rows, scores, count)
    },
  }
}
