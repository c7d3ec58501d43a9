import { isHighValue } from '../spend-ranks.ts'
import type { PersonFacts } from './person-columns.ts'
import type { ComputedColumn } from './ranker-column.ts'

/** What schema 3 says of the person alone: where they stand among those who bought. */
export const spenderColumns = [
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
] as const satisfies readonly ComputedColumn<PersonFacts>[]
