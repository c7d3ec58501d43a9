import { candidateSources } from '../candidate-set.ts'
import type { CandidateSource, CandidateUser } from './candidate-source.ts'
import type { TrendList, TrendLists } from './trend-lists.ts'

/** Different people below which a group's parent answers for it, so that nobody's taste stands for a group's. */
const peopleMin = 50

/** What is popular among people of the same age band, gender and region; with few of them, in a wider group (features.md F6.2). */
export function groupCandidates(trends: TrendLists): CandidateSource {
  const column = candidateSources.indexOf('group')
  return {
    name: 'group',
    retrieve(user, set, countMax) {
      const list = groupList(trends, user)
      if (list) set.addRanked(column, list.popularRows, list.popularScores, Math.min(countMax, list.popularRows.length))
    },
  }
}

/** The list of a person's narrowest group of people enough; nothing for somebody who declared neither age nor gender. */
export function groupList(trends: TrendLists, user: Pick<CandidateUser, 'groups' | 'region'>): TrendList | undefined {
  if (user.groups.length === 0) return undefined
  for (const scope of user.region === null ? user.groups : [...user.groups, `scope:region:${user.region}`]) {
    const list = trends.get(scope)
    if (list && list.people >= peopleMin) return list
  }
  return trends.get('scope:all')
}
