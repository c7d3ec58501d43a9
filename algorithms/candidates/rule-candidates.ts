import { type CandidateSourceName, candidateSources } from '../candidate-set.ts'
import type { RuleCounts } from '../rule-counts.ts'
import type { CandidateSource } from './candidate-source.ts'

/** Items brought at most: rules of an item soon stand on a meeting or two. */
const broughtMax = 50

/** The heaviest rules of the session's newest item, else of the one touched last, under a source's name. */
export function ruleCandidates(name: CandidateSourceName, rules: RuleCounts): CandidateSource {
  const column = candidateSources.indexOf(name)
  const items = new Int32Array(broughtMax)
  const scores = new Float64Array(broughtMax)
  return {
    name,
    retrieve(user, set, countMax) {
      const newest = user.sessionRows.at(-1) ?? user.recentRows[0]
      if (newest === undefined) return
      const count = rules.top(newest, null, items.subarray(0, Math.min(countMax, broughtMax)), scores)
      const best = scores[0]!
      for (let at = 0; at < count; at++) if (items[at] !== newest) set.add(column, items[at]!, scores[at]! / best, newest)
    },
  }
}
