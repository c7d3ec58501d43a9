import { candidateSources } from '../candidate-set.ts'
import type { SessionIndex } from '../session-index.ts'
import type { CandidateSource } from './candidate-source.ts'

/** What people in similar sessions went on to (sequential session kNN, features.md F5.4); follows from the newest item. */
export function sessionCandidates(index: SessionIndex): CandidateSource {
  const column = candidateSources.indexOf('session')
  return {
    name: 'session',
    retrieve(user, set, countMax) {
      const session = user.sessionRows
      if (session.length === 0) return
      const ranked = index.recommendInSequence(session, user.nowMs, { count: countMax })
      const newest = session[session.length - 1]!
      set.addRanked(column, ranked.items, ranked.scores, ranked.count, new Int32Array(ranked.count).fill(newest))
    },
  }
}
