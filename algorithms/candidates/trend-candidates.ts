import { candidateSources } from '../candidate-set.ts'
import type { CandidateSource } from './candidate-source.ts'
import type { TrendLists } from './trend-lists.ts'

/** What is rising just now, in the person's region and everywhere (features.md F3.16). */
export function trendCandidates(trends: TrendLists): CandidateSource {
  const column = candidateSources.indexOf('trend')
  return {
    name: 'trend',
    retrieve(user, set, countMax) {
      const half = countMax >> 1
      for (const scope of user.region === null ? ['scope:all'] : [`scope:region:${user.region}`, 'scope:all']) {
        const list = trends.get(scope)
        if (list) set.addRanked(column, list.trendRows, list.trendScores, Math.min(half, list.trendRows.length))
      }
    },
  }
}
