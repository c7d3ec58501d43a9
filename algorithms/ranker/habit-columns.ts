import { isHighValue } from '../spend-ranks.ts'
import { logCount } from './log-count.ts'
import type { PersonFacts } from './person-columns.ts'
import type { ComputedColumn } from './ranker-column.ts'

/** What schema 3 says of the person alone: where they stand among those who bought, and how long they use to stay. */
export const habitColumns = [
  {
    name: 'spend_rank',
    meaning: 'share of buyers who spent less in 90 days, -1 to 1; 0, the middle, for those who spent nothing (F16.10)',
    range: [-1, 1],
    of: ({ spendRank }) => (Number.isNaN(spendRank) ? 0 : 2 * spendRank - 1),
  },
  {
    name: 'spend_known',
    meaning: '1 if they spent something in 90 days',
    range: [0, 1],
    of: ({ spendRank }) => (Number.isNaN(spendRank) ? 0 : 1),
  },
  {
    name: 'high_value',
    meaning: '1 in the top tenth with 2 orders or more in 90 days; what is bought on one day is one order',
    range: [0, 1],
    of: ({ spendRank, orders }) => (isHighValue(spendRank, orders) ? 1 : 0),
  },
  {
    name: 'session_mean',
    meaning: 'ln(1 + mean minutes of the sessions before this one, half-life 30 d) / 6; 0 without one (F2.14)',
    range: [0, 1],
    of: ({ sessionMinutes }) => (Number.isNaN(sessionMinutes) ? 0 : logCount(sessionMinutes, 6)),
  },
  {
    name: 'session_mean_known',
    meaning: '1 if a session has ended',
    range: [0, 1],
    of: ({ sessionMinutes }) => (Number.isNaN(sessionMinutes) ? 0 : 1),
  },
] as const satisfies readonly ComputedColumn<PersonFacts>[]
