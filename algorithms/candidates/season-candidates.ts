import { candidateSources } from '../candidate-set.ts'
import type { CandidateSource } from './candidate-source.ts'
import type { TrendLists } from './trend-lists.ts'

/** Items brought at most: most of them are popular at any time. */
const broughtMax = 40

/** What is popular at this time of the day and of the year (features.md F16.9): half of each. */
export function seasonCandidates(trends: TrendLists): CandidateSource {
  const column = candidateSources.indexOf('season')
  return {
    name: 'season',
    retrieve(user, set, countMax) {
      const wanted = Math.min(countMax, broughtMax)
      for (const scope of user.moments) {
        const list = trends.get(scope)
        const count = Math.ceil(wanted / user.moments.length)
        if (list) set.addRanked(column, list.popularRows, list.popularScores, Math.min(count, list.popularRows.length))
      }
    },
  }
}
