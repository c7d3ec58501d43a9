import { VectorSessionIndex } from '../../algorithms/vector-session-index.ts'
import type { RecommenderSpec } from '../recommender.ts'
import { SessionRecommender, sessionsMaxDefault } from './session-recommender.ts'

/** See algorithms/vector-session-index.ts. */
export const vsknn: RecommenderSpec<{ m: number; k: number; idf: number; sessionLengthMax: number; sessionsMax: number }> = {
  name: 'vsknn',
  summary: 'Nearest recent sessions, newer items weigh more (Ludewig, Jannach, UMUAI 2018).',
  defaults: { m: 1000, k: 100, idf: 5, sessionLengthMax: 30, sessionsMax: sessionsMaxDefault },
  create({ itemCount, sessionCount }, { m, k, idf, sessionLengthMax, sessionsMax }) {
    const index = new VectorSessionIndex({
      itemsMax: itemCount,
      sessionsMax: Math.min(sessionsMax, sessionCount),
      itemsPerSessionMax: sessionLengthMax,
    })
    return new SessionRecommender(index, (current, { session }, count) =>
      index.recommend(current, { m, k, idf, count, exceptKey: session }),
    )
  },
}
