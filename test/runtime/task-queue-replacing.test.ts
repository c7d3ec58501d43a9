import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LogBatch } from '../../ports/event-log.ts'
import { TaskQueue } from '../../runtime/task-queue.ts'

const silent = { pause() {}, resume() {} }

function batchOf(from: number, keys: readonly (string | null)[]): LogBatch {
  const records = keys.map((key, at) => ({ offset: from + at, timestampMs: 0, key, value: Buffer.of(at) }))
  const nextOffset = from + keys.length
  return { topic: 't', partition: 0, records, nextOffset, endOffset: nextOffset }
}

it('a replaced record is passed over and its position is crossed', () => {
  const queue = new TaskQueue(100, silent, ['t'])
  queue.push(batchOf(0, ['a', 'b', 'a']))
  queue.push(batchOf(3, ['b', null, 'c']))
  const first = queue.take('t', 0, 2)
  expect(first.records.map(({ offset }) => offset)).toEqual([2, 3])
  expect(first.nextOffset).toBe(4)
  // What comes later does not reach back: `a` was taken and goes on again.
  queue.push(batchOf(6, ['a']))
  expect(queue.take('t', 4, 9)).toMatchObject({ records: [{ key: null }, { key: 'c' }, { key: 'a' }], nextOffset: 7 })
  expect(queue.empty).toBe(true)
})

it('records of other topics all go on', () => {
  const queue = new TaskQueue(100, silent, ['u'])
  queue.push(batchOf(0, ['a', 'a', 'a']))
  expect(queue.take('t', 0, 9).records).toHaveLength(3)
})

it('records put back go on as long as nothing newer waits', () => {
  const queue = new TaskQueue(100, silent, ['t'])
  const batch = batchOf(0, ['a', 'b'])
  queue.push(batch)
  queue.push(batchOf(2, ['c']))
  const { records } = queue.take('t', 0, 2)
  queue.push(batchOf(3, ['b']))
  queue.putBack({ ...batch, records })
  expect(queue.take('t', 0, 9).records.map(({ offset }) => offset)).toEqual([0, 2, 3])
})

it('whatever the order of pushes and takes: the last record of each key goes on, positions only grow, the count is right', () => {
  const moves = fc.array(
    fc.oneof(fc.array(fc.constantFrom('a', 'b', 'c', null), { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 5 })),
  )
  fc.assert(
    fc.property(moves, (all) => {
      const queue = new TaskQueue(1_000, silent, ['t'])
      const log: (string | null)[] = []
      const seen: number[] = []
      let position = 0
      const take = (limit: number) => {
        const { records, nextOffset } = queue.take('t', position, limit)
        expect(records.length).toBeLessThanOrEqual(limit)
        expect(nextOffset).toBeGreaterThan(position)
        position = nextOffset
        for (const { offset } of records) seen.push(offset)
      }
      for (const move of [...all, 1_000]) {
        if (typeof move === 'number') {
          if (!queue.empty) take(move)
        } else {
          queue.push(batchOf(log.length, move))
          log.push(...move)
        }
      }
      expect(position).toBe(log.length)
      expect(queue.lag).toBe(0)
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
      for (const key of ['a', 'b', 'c']) if (log.includes(key)) expect(seen).toContain(log.lastIndexOf(key))
      log.forEach((key, offset) => {
        if (key === null) expect(seen).toContain(offset)
      })
    }),
  )
})
