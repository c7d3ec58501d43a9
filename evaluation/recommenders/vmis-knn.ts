import { SessionIndex } from '../../algorithms/session-index.ts'
import type { RecommenderSpec } from '../recommender.ts'
import { SessionRecommender, sessionsMaxDefault } from './session-recommender.ts'

/** See algorithms/session-index.ts. The defaults are those of the published service. */
export const vmisKnn: RecommenderSpec<{
  m: number
  k: number
  last: number
  sessionLengthMax: number
  sessionsMax: number
  again: boolean
}> = {
  name: 'vmis-knn',
  summary: 'Nearest recent sessions by the last items (Kersbergen, Sprangers, Schelter, Serenade, SIGMOD 2022).',
  defaults: { m: 500, k: 50, last: 2, sessionLengthMax: 15, sessionsMax: sessionsMaxDefault, again: false },
  create({ itemCount, sessionCount }, { m, k, last, sessionLengthMax, sessionsMax, again }) {
    const index = new SessionIndex({
      itemsMax: itemCount,
      sessionsMax: Math.min(sessionsMax, sessionCount),
      itemsPerSessionMax: sessionLengthMax,
    })
    return new SessionRecommender(index, (current, { session }, count) =>
      index.recommend(current, { m, k, lastN: last, count, exceptKey: session, again }),
    )
  },
}
