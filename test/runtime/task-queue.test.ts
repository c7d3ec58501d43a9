import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogBatch } from '../../ports/event-log.ts'
import { TaskQueue } from '../../runtime/task-queue.ts'

function batchOf(
  topic: string,
  offsets: readonly number[],
  options: { timestampMs?: number; nextOffset?: number; endOffset?: number } = {},
): LogBatch {
  const nextOffset = options.nextOffset ?? offsets.at(-1)! + 1
  const records = offsets.map((offset) => ({ offset, timestampMs: options.timestampMs ?? offset, key: null, value: null }))
  return { topic, partition: 0, records, nextOffset, endOffset: options.endOffset ?? nextOffset }
}

function openQueue(recordsMax = 10) {
  const told: string[] = []
  const queue = new TaskQueue(recordsMax, {
    pause: (topic) => void told.push(`pause ${topic}`),
    resume: (topic) => void told.push(`resume ${topic}`),
  })
  const take = (topic: string, position: number, limit = 100) => {
    const { records, nextOffset } = queue.take(topic, position, limit)
    return { offsets: records.map(({ offset }) => offset), nextOffset }
  }
  return { queue, told, take }
}

describe('TaskQueue', () => {
  it('gives records in log order, joins small batches and cuts large ones', () => {
    const { queue, take } = openQueue()
    queue.push(batchOf('a', [0, 1]))
    queue.push(batchOf('a', [2, 3, 4]))
    expect(take('a', 0, 4)).toEqual({ offsets: [0, 1, 2, 3], nextOffset: 4 })
    expect(take('a', 4, 4)).toEqual({ offsets: [4], nextOffset: 5 })
    expect(queue.empty).toBe(true)
  })

  it('skips what lies below the position, and crosses gaps at the end of a batch', () => {
    const { queue, take } = openQueue()
    queue.push(batchOf('a', [3, 4, 7], { nextOffset: 12 }))
    expect(take('a', 5)).toEqual({ offsets: [7], nextOffset: 12 })
    queue.push(batchOf('a', [12, 20]))
    expect(take('a', 12, 1)).toEqual({ offsets: [12], nextOffset: 20 })
    queue.push(batchOf('a', [3], { nextOffset: 4 }))
    expect(take('a', 21).nextOffset).toBe(21) // A batch from before a seek moves nothing back.
  })

  it('has caught up with a topic once all that the log held was delivered and taken, also after it was sent back', () => {
    const { queue, take } = openQueue()
    expect(queue.caughtUp('a')).toBe(true)
    queue.expect('a', 3, 5)
    expect([queue.caughtUp('a'), queue.lag]).toEqual([false, 2])
    queue.push(batchOf('a', [3, 4]))
    expect([queue.caughtUp('a'), queue.lag]).toEqual([false, 2])
    take('a', 3)
    expect([queue.caughtUp('a'), queue.lag]).toEqual([true, 0])
    queue.clear()
    queue.expect('a', 2)
    expect([queue.caughtUp('a'), queue.lag]).toEqual([false, 3])
    queue.expect('b', 7, 7)
    expect(queue.caughtUp('b')).toBe(true)
  })

  it('pauses at its maximum, resumes below half of it, once each; topics do not count together', () => {
    const { queue, told, take } = openQueue(10)
    queue.push(batchOf('a', [0, 1, 2, 3, 4, 5, 6, 7, 8]))
    queue.push(batchOf('b', [0, 1, 2, 3, 4, 5, 6, 7, 8]))
    expect(told).toEqual([])
    queue.push(batchOf('a', [9]))
    queue.push(batchOf('a', [10, 11])) // The one more batch that the log had in hand.
    expect(told).toEqual(['pause a'])
    take('a', 0, 7)
    expect(told).toEqual(['pause a']) // 5 left: not below half.
    take('a', 7, 1)
    expect(told).toEqual(['pause a', 'resume a'])
  })

  it('takes the topic first whose oldest record the log took first; a batch of a gap goes at once', () => {
    const { queue, take } = openQueue()
    expect(queue.nextTopic()).toBeUndefined()
    queue.push(batchOf('late', [0], { timestampMs: 50 }))
    queue.push(batchOf('early', [0], { timestampMs: 20 }))
    expect(queue.nextTopic()).toBe('early')
    take('early', 0)
    expect(queue.nextTopic()).toBe('late')
    queue.push(batchOf('gap', [], { nextOffset: 5 }))
    expect(queue.nextTopic()).toBe('gap')
  })

  it('knows the lag: what waits here and what the log still has', () => {
    const { queue, take } = openQueue()
    expect([queue.lag, queue.caughtUp('a')]).toEqual([0, true])
    queue.push(batchOf('a', [0, 1], { endOffset: 7 }))
    expect([queue.lag, queue.caughtUp('a')]).toEqual([7, false])
    take('a', 0)
    expect([queue.lag, queue.caughtUp('a')]).toEqual([5, false])
    queue.push(batchOf('a', [2, 3, 4, 5, 6]))
    take('a', 2)
    expect([queue.lag, queue.caughtUp('a')]).toEqual([0, true])
  })

  it('what is put back comes first again; cleared, it lets everything flow', () => {
    const { queue, told, take } = openQueue(2)
    queue.push(batchOf('a', [0, 1, 2]))
    queue.push(batchOf('a', [3]))
    const taken = queue.take('a', 0, 2)
    queue.putBack(
      batchOf(
        'a',
        taken.records.map(({ offset }) => offset),
      ),
    )
    expect(take('a', 0, 1).offsets).toEqual([0])
    expect(take('a', 1).offsets).toEqual([1, 2, 3])
    queue.push(batchOf('a', [4, 5]))
    queue.clear()
    expect([queue.empty, queue.lag, told.at(-1)]).toEqual([true, 0, 'resume a'])
  })

  it('loses nothing, doubles nothing and holds at most its maximum and one batch, whatever comes and goes', () => {
    const action = fc.record({ push: fc.boolean(), size: fc.integer({ min: 1, max: 8 }) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(action, { maxLength: 100 }), (recordsMax, actions) => {
        let paused = false
        const queue = new TaskQueue(recordsMax, {
          pause: () => {
            expect(paused).toBe(false)
            paused = true
          },
          resume: () => {
            expect(paused).toBe(true)
            paused = false
          },
        })
        let end = 0
        let position = 0
        for (const { push, size } of actions) {
          if (push && !paused) {
            queue.push(
              batchOf(
                'a',
                Array.from({ length: size }, (_, at) => end + at),
              ),
            )
            end += size
          } else if (!queue.empty) {
            const { records, nextOffset } = queue.take('a', position, size)
            expect(records.map(({ offset }) => offset)).toEqual(
              Array.from({ length: nextOffset - position }, (_, at) => position + at),
            )
            expect(records.length).toBeLessThanOrEqual(size)
            position = nextOffset
          }
          expect(queue.lag).toBe(end - position)
          expect(queue.lag).toBeLessThan(recordsMax + 8)
          expect(paused).toBe(paused ? queue.lag >= recordsMax / 2 : queue.lag >= recordsMax)
        }
      }),
    )
  })
})
