import { concatMap, map, type OperatorFunction } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Batch, Sourced, StateFamily } from '../../ports/batch.ts'
import type { LogRecord } from '../../ports/event-log.ts'
import type { ListWrite } from '../../ports/list-write.ts'
import { silentLogger } from '../../ports/logger.ts'
import { silentMetrics } from '../../ports/metrics.ts'
import type { CommitResult, StateCommit, TaskId } from '../../ports/state-store.ts'
import { defineTopology } from '../../runtime/define-topology.ts'
import { MemoryStateStore } from '../../runtime/memory-state-store.ts'
import { StepMetrics } from '../../runtime/running-graph.ts'
import { Task } from '../../runtime/task.ts'
import { defaultTaskLimits, type TaskLimits } from '../../runtime/task-limits.ts'
import type { Erasure } from '../../schemas/erasure.ts'
import { WireFormat } from '../../schemas/wire-format.ts'

const id = { topology: 'counting', partition: 0 }
const total: StateFamily<{ rows: number }> = {
  name: 'total',
  codec: {
    encode: (value) => Buffer.from(String(value.rows)),
    decode: (bytes) => ({ rows: Number(Buffer.from(bytes).toString()) }),
  },
}

const trend: ListWrite['value'] = { scope: 'all', items: [], watermarkMs: 0 }

type Row = { readonly key: string; readonly value: Erasure }

/** Numbers the rows it sees; the last number is its state. */
function countRows(): OperatorFunction<Batch<Sourced<Erasure>>, Batch<Row>> {
  return concatMap(async (batch) => {
    await batch.transaction.load(total, [''])
    const state = batch.transaction.get(total, '') ?? { rows: 0 }
    const records = batch.records.map(({ key, value }) => ({ key, value: { ...value, keysDeleted: ++state.rows } }))
    batch.transaction.put(total, '', state)
    return { ...batch, records }
  })
}

const counting = defineTopology<object>('counting', ({ source }) => {
  const counted = source('erasures').step('count', countRows())
  counted.sink('erasures')
  counted
    .step(
      'write',
      map((batch) => ({
        ...batch,
        records: batch.records.map(({ key }): ListWrite => ({ key, value: trend, companions: [], ttlS: 1 })),
      })),
    )
    .sink('lists')
})

type Effect = 'send' | 'swap' | 'commit'
type Behaviour = (effect: Effect, attempt: number) => 'fine' | 'unwell' | 'reply lost'

/** A task on stores in memory that behave as told; what happens is written down in order. */
async function openTask(behave: Behaviour = () => 'fine', limits: Partial<TaskLimits> = {}, state = new MemoryStateStore()) {
  const clock = new ManualClock(1_000)
  const story: string[] = []
  const sent: number[] = []
  const attempts: Record<Effect, number> = { send: 0, swap: 0, commit: 0 }
  const wire = await WireFormat.open({ register: () => Promise.resolve(1), byId: () => Promise.resolve(null) })
  const act = async <R>(effect: Effect, work: () => Promise<R>): Promise<R> => {
    const how = behave(effect, attempts[effect]++)
    story.push(how === 'fine' ? effect : `${effect}: ${how}`)
    if (how === 'unwell') throw new MillraceError('MILL_STORE_UNAVAILABLE', 'no answer')
    const result = await work()
    if (how === 'reply lost') throw new MillraceError('MILL_STORE_UNAVAILABLE', 'no answer')
    return result
  }
  const commit = (task: TaskId, change: StateCommit): Promise<CommitResult> => act('commit', () => state.commit(task, change))
  let failure: unknown
  const task = new Task(
    id,
    counting.graph({}),
    1,
    {
      log: {
        send: (records) =>
          act('send', async () => {
            for (const { value } of records) sent.push(wire.decode('erasures', value!).keysDeleted)
          }),
      },
      state: new Proxy(state, {
        get: (target, name) => {
          const member = Reflect.get(target, name) as unknown
          return name === 'commit' ? commit : typeof member === 'function' ? member.bind(target) : member
        },
      }),
      lists: {
        swap: (entries) => act('swap', () => Promise.resolve(entries.map(() => true))),
        get: (keys) => Promise.resolve(keys.map(() => null)),
      },
      wire,
      clock,
      logger: silentLogger,
      metrics: new StepMetrics(silentMetrics, clock),
      endOf: () => Promise.resolve(0),
      partitionsOf: () => 1,
    },
    {
      pause: (topic) => void story.push(`pause ${topic}`),
      resume: (topic) => void story.push(`resume ${topic}`),
      seek: (topic, offset) => void story.push(`seek ${topic} ${offset}`),
      waiting: () => void story.push('waiting'),
      done: () => void story.push('done'),
      failed: (error) => {
        failure = error
        story.push('failed')
      },
    },
    { ...defaultTaskLimits, ...limits },
  )
  const push = (from: number, count: number) => {
    const records: LogRecord[] = Array.from({ length: count }, (_, at) => ({
      offset: from + at,
      timestampMs: 0,
      key: 'u',
      value: wire.encode('erasures', { userId: 'u', topology: 't', keysDeleted: 0, keysLeft: 0, timeMs: 0 }),
    }))
    task.push({ topic: 'erasures', partition: 0, records, nextOffset: from + count, endOffset: from + count })
  }
  /** Waits until the task waits for its clock or is idle: turns of the event loop, not time. */
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  await task.open()
  return { task, clock, story, sent, push, state, settle, failure: () => failure as MillraceError | undefined }
}

describe('Task', () => {
  it('sends what others make between two batches: what comes after it in the log is newer', async () => {
    const { task, push, sent, settle, state } = await openTask()
    const { promise: made, resolve } = Promise.withResolvers<void>()
    const wire = await WireFormat.open({ register: () => Promise.resolve(1), byId: () => Promise.resolve(null) })
    const value = wire.encode('erasures', { userId: 'u', topology: 't', keysDeleted: 70, keysLeft: 0, timeMs: 0 })
    const record = { topic: 'erasures', partition: 0, key: 'u', value }
    push(0, 1)
    const sending = task.sendBetween(async () => {
      await made
      return [record]
    })
    await settle()
    push(1, 1)
    await settle()
    expect(sent).toEqual([1]) // The second batch waits for what is being made.
    resolve()
    expect(await sending).toBe(true)
    await task.idle()
    expect(sent).toEqual([1, 70, 2])
    await state.openTask(id) // Another owner.
    expect(await task.sendBetween(() => Promise.resolve([record]))).toBe(true) // Confirmed a moment ago.
    await task.check()
    task.close()
    expect(await task.sendBetween(() => Promise.resolve([record]))).toBe(false)
  })

  it('does not send between batches once another owner has the task', async () => {
    const { task, push, sent, clock, state, failure } = await openTask()
    push(0, 1)
    await task.idle()
    await state.openTask(id)
    clock.advance(10_000) // It slept.
    expect(await task.sendBetween(() => Promise.resolve([{ topic: 'erasures', partition: 0, key: 'u', value: null }]))).toBe(
      false,
    )
    expect(sent).toEqual([1])
    expect(failure()?.code).toBe('MILL_FENCED')
  })

  it('makes effects durable in the one safe order: outputs and lists, then state', async () => {
    const { task, push, story, sent } = await openTask()
    push(0, 2)
    await task.idle()
    expect(story.slice(0, 2).sort()).toEqual(['send', 'swap'])
    expect(story.slice(2)).toEqual(['commit', 'done'])
    expect(sent).toEqual([1, 2])
    expect(task.positions).toEqual({ erasures: 2 })
  })

  it.each(['send', 'swap', 'commit'] as const)('waits longer and longer while %s is unwell, then goes on', async (effect) => {
    const { task, push, clock, story, settle } = await openTask(
      (one, attempt) => (one === effect && attempt < 3 ? 'unwell' : 'fine'),
      {
        retryMs: 100,
        retryMsMax: 150,
      },
    )
    push(0, 1)
    const failed = `${effect}: unwell`
    const failures = () => story.filter((one) => one === failed).length
    await settle()
    expect(failures()).toBe(1)
    clock.advance(99)
    await settle()
    expect(failures()).toBe(1)
    clock.advance(1)
    await settle()
    expect(failures()).toBe(2)
    clock.advance(150)
    await settle()
    expect(failures()).toBe(3)
    clock.advance(150)
    await task.idle()
    const done = story.filter((one) => !one.includes('unwell') && one !== 'waiting')
    expect(done.slice(0, 2).sort()).toEqual(['send', 'swap'])
    expect(done.slice(2)).toEqual(['commit', 'done'])
  })

  it('knows its own commit again when only the reply was lost', async () => {
    const { task, push, clock, settle, state, story, sent } = await openTask((effect, attempt) =>
      effect === 'commit' && attempt === 0 ? 'reply lost' : 'fine',
    )
    push(0, 2)
    await settle()
    clock.advance(100)
    await task.idle()
    push(2, 1)
    await task.idle()
    expect(story.filter((one) => one.startsWith('seek'))).toEqual([])
    expect(sent).toEqual([1, 2, 3])
    expect(Buffer.from((await state.read(id, ['total:']))[0]!).toString()).toBe('3')
  })

  it('forgets its memory and seeks when the store is elsewhere', async () => {
    const { task, push, state, story, sent } = await openTask()
    push(0, 2)
    await task.idle()
    // A failover lost the last write: state and positions went back together.
    await state.commit(id, {
      epoch: task.epoch,
      from: { erasures: 2 },
      to: { erasures: 1 },
      writes: new Map([['total:', Buffer.from('1')]]),
      ttlS: 0,
    })
    push(2, 1)
    await task.idle()
    expect(story.at(-1)).toBe('seek erasures 1')
    push(1, 2)
    await task.idle()
    expect(sent).toEqual([1, 2, 3, 2, 3])
    expect(task.positions).toEqual({ erasures: 3 })
  })

  it('who was replaced while it slept sends nothing, and who was not goes on', async () => {
    const first = await openTask((effect, attempt) => (effect === 'send' && attempt === 0 ? 'unwell' : 'fine'))
    first.push(0, 1)
    await first.settle()
    expect(first.story).toContain('send: unwell')
    first.clock.advance(10_000) // It sleeps, and nobody takes its task.
    await first.task.idle()
    expect(first.sent).toEqual([1])

    const state = new MemoryStateStore()
    const zombie = await openTask((effect, attempt) => (effect === 'send' && attempt === 0 ? 'unwell' : 'fine'), {}, state)
    zombie.push(0, 1)
    await zombie.settle()
    await state.openTask(id)
    zombie.clock.advance(10_000)
    await zombie.task.idle()
    expect(zombie.sent).toEqual([])
    expect(zombie.failure()).toMatchObject({ code: 'MILL_FENCED' })
  })

  it('follows a store that went back in silence, and leaves no gap for what the log delivers meanwhile', async () => {
    const state = new MemoryStateStore()
    const { task, push, story, sent } = await openTask(undefined, {}, state)
    push(0, 2)
    await task.idle()
    await state.commit(id, {
      epoch: task.epoch,
      from: { erasures: 2 },
      to: { erasures: 1 },
      writes: new Map([['total:', Buffer.from('1')]]),
      ttlS: 0,
    })
    const read = state.read.bind(state)
    state.read = (...args) => {
      state.read = read
      push(2, 1) // Fetched before the seek, delivered while the task reads where it stands.
      return read(...args)
    }
    await task.check()
    await task.idle()
    expect(story.at(-1)).toBe('seek erasures 1')
    expect(task.positions).toEqual({ erasures: 1 })
    push(1, 2)
    await task.idle()
    expect(sent).toEqual([1, 2, 2, 3])
    const before = story.length
    await task.check()
    expect(story).toHaveLength(before)
  })

  it('stops when a newer owner took over, and writes nothing', async () => {
    const { task, push, state, failure } = await openTask()
    await state.openTask(id)
    push(0, 1)
    await task.idle()
    expect(failure()?.code).toBe('MILL_FENCED')
    expect(await state.read(id, ['total:'])).toEqual([null])
  })

  it('pauses its topic at the limit and lets it flow again below half of it', async () => {
    const { push, clock, story, settle, task } = await openTask(
      (effect, attempt) => (effect === 'send' && attempt === 0 ? 'unwell' : 'fine'),
      {
        queueRecordsMax: 10,
        batchRecordsMax: 3,
      },
    )
    push(0, 3)
    await settle()
    push(3, 9)
    expect(story).not.toContain('pause erasures')
    push(12, 1)
    expect(story.at(-1)).toBe('pause erasures')
    push(13, 1)
    clock.advance(100)
    await task.idle()
    expect(story.filter((one) => one.endsWith(' erasures'))).toEqual(['pause erasures', 'resume erasures'])
    expect(task.positions).toEqual({ erasures: 14 })
    expect(task.lag).toBe(0)
  })

  it('finishes what was queued when drained, and takes nothing after', async () => {
    const { task, push, sent } = await openTask(undefined, { batchRecordsMax: 2 })
    push(0, 5)
    await task.drain()
    push(5, 1)
    await task.idle()
    expect(sent).toEqual([1, 2, 3, 4, 5])
  })

  it('a closed task does not commit what it was waiting to commit', async () => {
    const { task, push, settle, state } = await openTask((effect) => (effect === 'commit' ? 'unwell' : 'fine'))
    push(0, 1)
    await settle()
    task.close()
    await task.idle()
    expect((await state.progress(id))?.positions).toEqual({})
  })
})
