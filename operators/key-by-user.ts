import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Recommendation } from '../schemas/recommendation.ts'
import type { FinishedList } from './list-draft.ts'

/**
 * Addresses finished lists to their people, for the topic.
 *
 *     source  x--y--|     x = [list]
 *     result  x--y--|     x = [{key: user, value: recommendation}]
 *
 * - Order: unchanged.
 * - Bound: none needed.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function keyByUser(): OperatorFunction<Batch<FinishedList>, Batch<Keyed<Recommendation>>> {
  return map((batch) => ({
    ...batch,
    records: batch.records.map(({ recommendation }) => ({ key: recommendation.userId, value: recommendation })),
  }))
}
