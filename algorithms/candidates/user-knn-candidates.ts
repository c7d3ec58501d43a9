import { candidateSources } from '../candidate-set.ts'
import type { SessionIndex } from '../session-index.ts'
import type { CandidateSource } from './candidate-source.ts'

/** Touched items compared, and holders of them looked at: each costs a list's time. */
const itemsMax = 10
const peopleMax = 150
/** Items brought at most: what few alike have in common is soon told. */
const broughtMax = 50

/** What the people touched whose histories are nearest to this one's (features.md F3.7): each history is one session of `people`. */
export function userKnnCandidates(people: SessionIndex): CandidateSource {
  const column = candidateSources.indexOf('user_knn')
  return {
    name: 'user_knn',
    retrieve(user, set, countMax) {
      // Newest last, as sessions are; what was dismissed makes nobody alike.
      const liked = user.recentRows
        .filter((_row, at) => user.recentStrengths[at]! > 0)
        .slice(0, itemsMax)
        .reverse()
      if (liked.length === 0) return
      const wanted = Math.min(countMax, broughtMax)
      const known = new Set(user.recentRows)
      const ranked = people.recommendAlike(liked, { m: peopleMax, count: wanted + known.size, exceptKey: user.personKey })
      let best = 0
      for (let i = 0, taken = 0; i < ranked.count && taken < wanted; i++) {
        if (known.has(ranked.items[i]!)) continue
        if (taken++ === 0) best = ranked.scores[i]!
        set.add(column, ranked.items[i]!, ranked.scores[i]! / best, -1)
      }
    },
  }
}
