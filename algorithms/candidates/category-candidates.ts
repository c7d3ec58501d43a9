import { candidateSources } from '../candidate-set.ts'
import type { Catalogue } from '../catalogue.ts'
import type { CandidateSource } from './candidate-source.ts'
import type { TrendLists } from './trend-lists.ts'

const categoriesMax = 4

/** Popular items of the person's heaviest categories; follows from the category (its number). */
export function categoryCandidates(trends: TrendLists, catalogue: Catalogue): CandidateSource {
  const column = candidateSources.indexOf('category')
  return {
    name: 'category',
    retrieve(user, set, countMax) {
      const share = Math.ceil(countMax / categoriesMax)
      let weight = 1
      for (const category of user.categories.slice(0, categoriesMax)) {
        const list = trends.get(`scope:category:${category}`)
        if (!list || list.popularRows.length === 0) continue
        const best = list.popularScores[0]!
        const because = catalogue.categories.find(category)
        const count = Math.min(share, list.popularRows.length)
        for (let i = 0; i < count; i++) set.add(column, list.popularRows[i]!, (weight * list.popularScores[i]!) / best, because)
        weight *= 0.8
      }
    },
  }
}
