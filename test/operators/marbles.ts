import { TestScheduler } from 'rxjs/testing'
import { expect } from 'vitest'
import type { Batch, Sourced, Transaction } from '../../ports/batch.ts'

type RunHelpers = Parameters<Parameters<TestScheduler['run']>[0]>[0]

/** Runs a marble test on virtual time and compares what came with what was drawn. */
export function marbles(test: (helpers: RunHelpers) => void): void {
  new TestScheduler((actual, expected) => void expect(actual).toEqual(expected)).run(test)
}

/** For operators that touch no state: it has nothing to call. */
export const noTransaction = {} as Transaction

/** A batch without state; offsets 10 to 20, so that a lost position shows. */
export function batchOf<T>(...records: T[]): Batch<T> {
  return {
    records,
    task: { topology: 'test', partition: 0, partitions: 1, epoch: 1 },
    topic: 'user-events',
    from: 10,
    to: 20,
    watermarkBeforeMs: 0,
    watermarkMs: 5,
    topicWatermarkBeforeMs: 0,
    transaction: noTransaction,
  }
}

/** `a1` → a record of key `a`. */
export function recordOf(name: string): Sourced<string> {
  return { value: name, key: name.slice(0, 1), offset: Number(name.slice(1)), loggedMs: 0 }
}
