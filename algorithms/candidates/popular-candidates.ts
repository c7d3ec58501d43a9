import { candidateSources } from '../candidate-set.ts'
import type { CandidateSource } from './candidate-source.ts'
import type { TrendLists } from './trend-lists.ts'

/** What most people touch, in the region and everywhere: the answer for somebody nobody knows (features.md F3.15). */
export function popularCandidates(trends: TrendLists): CandidateSource {
  const column = candidateSources.indexOf('popular')
  return {
    name: 'popular',
    retrieve(user, set, countMax) {
      const half = countMax >> 1
      for (const scope of user.region === null ? ['scope:all'] : [`scope:region:${user.region}`, 'scope:all']) {
        const list = trends.get(scope)
        if (list) set.addRanked(column, list.popularRows, list.popularScores, Math.min(half, list.popularRows.length))
      }
    },
  }
}
