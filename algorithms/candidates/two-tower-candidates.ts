import { candidateSources } from '../candidate-set.ts'
import type { Catalogue } from '../catalogue.ts'
import type { NearestRows } from '../nearest-rows.ts'
import type { CandidateSource } from './candidate-source.ts'

/** Available items whose vector is nearest to the person's (features.md F3.2, F3.5); `vectors` are those of the catalogue's rows. */
export function twoTowerCandidates(catalogue: Catalogue, vectors: NearestRows): CandidateSource {
  const column = candidateSources.indexOf('two_tower')
  return {
    name: 'two_tower',
    retrieve(user, set, countMax) {
      if (!user.vector) return
      const rows = new Int32Array(countMax)
      const products = new Float32Array(countMax)
      const count = vectors.nearest(user.vector, (row) => catalogue.available(row), rows, products)
      // Cosine lies in [-1, 1]; candidates need a positive score.
      const scores = products.map((product) => (1 + product) / 2)
      set.addRanked(column, rows, scores, count)
    },
  }
}
