import { SessionIndex } from '../../algorithms/session-index.ts'
import type { RecommenderSpec } from '../recommender.ts'
import { SessionRecommender, sessionsMaxDefault } from './session-recommender.ts'

const dayMs = 24 * 3_600_000

/** See `SessionIndex.recommendInSequence`; without idf as published. λ_spw is `back`, λ_inh `around`, λ_snh `days`. */
export const stan: RecommenderSpec<{
  m: number
  k: number
  last: number
  back: number
  around: number
  days: number
  idf: boolean
  sessionLengthMax: number
  sessionsMax: number
  again: boolean
}> = {
  name: 'stan',
  summary: 'Nearest sessions by position and age (Garg, Gupta, Malhotra, Vig, Shroff, SIGIR 2019).',
  defaults: {
    m: 1000,
    k: 500,
    last: 30,
    back: 1.81,
    around: 0.4525,
    days: 100,
    idf: false,
    sessionLengthMax: 30,
    sessionsMax: sessionsMaxDefault,
    again: true,
  },
  create({ itemCount, sessionCount }, { m, k, last, back, around, days, idf, sessionLengthMax, sessionsMax, again }) {
    const index = new SessionIndex({
      itemsMax: itemCount,
      sessionsMax: Math.min(sessionsMax, sessionCount),
      itemsPerSessionMax: sessionLengthMax,
    })
    const settings = { m, k, lastN: last, placesBack: back, placesAround: around, ageMs: days * dayMs, idf }
    return new SessionRecommender(index, (current, { session, nowMs }, count) =>
      index.recommendInSequence(current, nowMs, { ...settings, count, exceptKey: session, again }),
    )
  },
}
