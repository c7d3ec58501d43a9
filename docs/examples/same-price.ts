import { candidateSources } from '../../algorithms/candidate-set.ts'
import type { CandidateSource } from '../../algorithms/candidates/candidate-source.ts'
import type { Catalogue } from '../../algorithms/catalogue.ts'

/** A candidate source: items that cost about what the newest touched item costs. It takes the column of a source it replaces. */
export function samePrice(catalogue: Catalogue): CandidateSource {
  const column = candidateSources.indexOf('fresh')
  return {
    name: 'fresh',
    retrieve(user, set, countMax) {
      const [newest] = user.recentRows
      if (newest === undefined) return
      const price = catalogue.price[newest]!
      for (let row = 0, taken = 0; row < catalogue.size && taken < countMax; row++) {
        const distance = Math.abs(catalogue.price[row]! - price) / price
        if (row === newest || distance > 0.1) continue
        set.add(column, row, 1 - distance, newest)
        taken++
      }
    },
  }
}
