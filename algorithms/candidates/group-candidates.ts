import { candidateSources } from '../candidate-set.ts'
import type { CandidateSource } from './candidate-source.ts'
import type { TrendLists } from './trend-lists.ts'

/** Different people below which a group's parent answers for it, so that nobody's taste stands for a group's. */
const peopleMin = 50

/** What is popular among people of the same age band, gender and region; with few of them, in a wider group (features.md F6.2). */
export function groupCandidates(trends: TrendLists): CandidateSource {
  const column = candidateSources.indexOf('group')
  return {
    name: 'group',
    retrieve(user, set, countMax) {
      if (user.groups.length === 0) return
      const parents = user.region === null ? ['scope:all'] : [`scope:region:${user.region}`, 'scope:all']
      for (const scope of [...user.groups, ...parents]) {
        const list = trends.get(scope)
        if (!list || (list.people < peopleMin && scope !== 'scope:all')) continue
        set.addRanked(column, list.popularRows, list.popularScores, Math.min(countMax, list.popularRows.length))
        return
      }
    },
  }
}
