import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { Batcher, type BatcherOptions, type BatchRunner } from '../../gpu-workers/batcher.ts'
import type { CheckedRequest } from '../../gpu-workers/check-request.ts'
import { ModelStatistics } from '../../gpu-workers/model-statistics.ts'
import type { RunResult } from '../../gpu-workers/session.ts'
import type { FeedTensor } from '../../gpu-workers/session-messages.ts'
import { inferenceError } from '../../schemas/inference-status.ts'

/** Echoes its input `x` as output `y`, when told to: the one thing here that is not the real part is the graph. */
class HandRunner implements BatchRunner {
  alive = true
  readonly runs: { readonly values: readonly number[]; finish(error?: Error): void }[] = []

  run(buffer: ArrayBuffer, feeds: readonly FeedTensor[]): Promise<RunResult> {
    const { byteOffset, byteLength, shape } = feeds[0]!
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    return new Promise((resolve, reject) => {
      const answer = { outputs: [{ name: 'y', datatype: 'UINT8' as const, shape, bytes }], inputNs: 1, inferNs: 2, outputNs: 3 }
      this.runs.push({ values: [...bytes], finish: (error) => (error ? reject(error) : resolve(answer)) })
    })
  }
}

const noLimits = { deadlineMs: Number.POSITIVE_INFINITY, priority: 0 }

function request(...values: number[]): CheckedRequest {
  const tensor = { name: 'x', datatype: 'UINT8', shape: [values.length], bytes: Uint8Array.from(values) } as const
  return { inputs: [tensor], outputs: ['y'], rows: values.length, shapeKey: 'row' }
}

/** Lets every settled promise reach its continuations. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('Batcher', () => {
  let clock: ManualClock
  let statistics: ModelStatistics
  let runner: HandRunner
  let lost: BatchRunner[]

  const open = (change: Partial<BatcherOptions> = {}): Batcher => {
    const options = { maxBatchSize: 4, queueSizeMax: 8, delayMsMax: 0, buckets: [], clock, statistics }
    const batcher = new Batcher({ ...options, runnerLost: (dead) => lost.push(dead), ...change })
    batcher.addRunner(runner)
    return batcher
  }
  const submit = (batcher: Batcher, limits: Partial<typeof noLimits>, ...values: number[]) => {
    const submitted = batcher.submit(request(...values), { ...noLimits, ...limits })
    const answer = submitted.answer.then(
      ([output]) => [...output!.bytes],
      (error) => error.details.status as string,
    )
    return { answer, cancel: submitted.cancel }
  }

  beforeEach(() => {
    clock = new ManualClock(1_000)
    statistics = new ModelStatistics()
    runner = new HandRunner()
    lost = []
  })

  it('runs the first request at once and joins what arrives meanwhile, up to the maximum, in order', async () => {
    const batcher = open()
    const answers = [[1], [2, 3], [4], [5, 6], [7]].map((values) => submit(batcher, {}, ...values).answer)
    expect(runner.runs.map((run) => run.values)).toEqual([[1]])
    expect(batcher.pending).toBe(4)
    runner.runs[0]!.finish()
    await settled()
    expect(runner.runs[1]!.values).toEqual([2, 3, 4, 7]) // [5, 6] does not fit; [7] still does.
    runner.runs[1]!.finish()
    await settled()
    expect(runner.runs[2]!.values).toEqual([5, 6])
    runner.runs[2]!.finish()
    expect(await Promise.all(answers)).toEqual([[1], [2, 3], [4], [5, 6], [7]])
    expect({ rows: statistics.rows, batches: statistics.batches, success: statistics.success.count }).toEqual({
      rows: 7,
      batches: 3,
      success: 5,
    })
    expect([...statistics.bySize.keys()]).toEqual([1, 4, 2])
  })

  it('runs on every idle runner', () => {
    const batcher = open()
    const second = new HandRunner()
    batcher.addRunner(second)
    for (const value of [1, 2, 3]) void submit(batcher, {}, value)
    expect([runner.runs.length, second.runs.length, batcher.pending]).toEqual([1, 1, 1])
  })

  it('joins only requests of one shape', async () => {
    const batcher = open()
    void submit(batcher, {}, 1)
    const other = batcher.submit({ ...request(9), shapeKey: 'other' }, noLimits)
    void submit(batcher, {}, 2)
    runner.runs[0]!.finish()
    await settled()
    expect(runner.runs[1]!.values).toEqual([9])
    runner.runs[1]!.finish()
    expect([...(await other.answer)[0]!.bytes]).toEqual([9])
    await settled()
    expect(runner.runs[2]!.values).toEqual([2])
  })

  it('pads to the next bucket with zeros, and nobody sees the padding', async () => {
    const batcher = open({ maxBatchSize: 8, buckets: [2, 4] })
    const first = submit(batcher, {}, 1)
    const rest = [[2, 3], [4]].map((values) => submit(batcher, {}, ...values).answer)
    expect(runner.runs[0]!.values).toEqual([1, 0])
    runner.runs[0]!.finish()
    await settled()
    expect(runner.runs[1]!.values).toEqual([2, 3, 4, 0])
    runner.runs[1]!.finish()
    expect([await first.answer, ...(await Promise.all(rest))]).toEqual([[1], [2, 3], [4]])
    expect(statistics.rows).toBe(4)
  })

  it('without batching every request runs alone and whole', async () => {
    const batcher = open({ maxBatchSize: 0 })
    const answers = [[1, 2, 3, 4, 5, 6], [7]].map((values) => submit(batcher, {}, ...values).answer)
    runner.runs[0]!.finish()
    await settled()
    runner.runs[1]!.finish()
    expect(await Promise.all(answers)).toEqual([[1, 2, 3, 4, 5, 6], [7]])
  })

  it('lower priorities run first, equal ones in order', async () => {
    const batcher = open({ maxBatchSize: 1 })
    for (const [priority, value] of [
      [0, 1],
      [2, 2],
      [1, 3],
      [2, 4],
      [1, 5],
    ] as const)
      void submit(batcher, { priority }, value)
    for (let i = 0; i < 5; i++) {
      runner.runs[i]!.finish()
      await settled()
    }
    expect(runner.runs.flatMap((run) => run.values)).toEqual([1, 3, 5, 2, 4])
  })

  it('at the queue limit it refuses, and takes again once there is room', async () => {
    const batcher = open({ queueSizeMax: 2 })
    const taken = [1, 2, 3].map((value) => submit(batcher, {}, value).answer)
    expect(await submit(batcher, {}, 4).answer).toBe('RESOURCE_EXHAUSTED')
    runner.runs[0]!.finish()
    await settled()
    taken.push(submit(batcher, {}, 5).answer)
    runner.runs[1]!.finish()
    await settled()
    runner.runs[2]!.finish()
    expect(await Promise.all(taken)).toEqual([[1], [2], [3], [5]])
    expect(statistics.failures).toEqual({ REJECTED: 1, CANCELED: 0, BACKEND: 0, OTHER: 0 })
  })

  it('drops work past its deadline when the deadline comes, without a run; what runs is let run', async () => {
    const batcher = open()
    const running = submit(batcher, { deadlineMs: 1_010 }, 1)
    const late = submit(batcher, { deadlineMs: 1_020 }, 2)
    const later = submit(batcher, { deadlineMs: 1_030 }, 3)
    const patient = submit(batcher, {}, 4)
    clock.advance(20)
    expect(await late.answer).toBe('DEADLINE_EXCEEDED')
    expect(batcher.pending).toBe(2)
    clock.advance(10)
    expect(await later.answer).toBe('DEADLINE_EXCEEDED')
    runner.runs[0]!.finish()
    expect(await running.answer).toEqual([1])
    await settled()
    runner.runs[1]!.finish()
    expect(await patient.answer).toEqual([4])
    expect(runner.runs.map((run) => run.values)).toEqual([[1], [4]])
  })

  it('a request that is given up before its run does not run', async () => {
    const batcher = open()
    const first = submit(batcher, {}, 1)
    const second = submit(batcher, {}, 2)
    second.cancel()
    first.cancel() // It runs already: nothing happens.
    expect(await second.answer).toBe('CANCELLED')
    runner.runs[0]!.finish()
    expect(await first.answer).toEqual([1])
    expect(runner.runs).toHaveLength(1)
  })

  it('with a delay an idle runner waits for a full batch or the time, whichever is first', async () => {
    const batcher = open({ delayMsMax: 5 })
    void submit(batcher, {}, 1)
    void submit(batcher, {}, 2)
    expect(runner.runs).toHaveLength(0)
    clock.advance(5)
    expect(runner.runs.map((run) => run.values)).toEqual([[1, 2]])
    runner.runs[0]!.finish()
    await settled()
    void submit(batcher, {}, 3, 4)
    expect(runner.runs).toHaveLength(1)
    void submit(batcher, {}, 5, 6)
    expect(runner.runs[1]!.values).toEqual([3, 4, 5, 6])
  })

  it('when a joined run fails each request runs alone, and only the bad one fails', async () => {
    const batcher = open()
    const answers = [1, 2, 3].map((value) => submit(batcher, {}, value).answer)
    runner.runs[0]!.finish()
    await settled()
    expect(runner.runs[1]!.values).toEqual([2, 3])
    runner.runs[1]!.finish(inferenceError('INTERNAL', 'bad row'))
    await settled()
    runner.runs[2]!.finish(inferenceError('INTERNAL', 'bad row'))
    await settled()
    runner.runs[3]!.finish()
    expect(await Promise.all(answers)).toEqual([[1], 'INTERNAL', [3]])
    expect(statistics.failures.BACKEND).toBe(1)
  })

  it('a dead runner fails its batch, is reported, and what waits runs on its successor', async () => {
    const batcher = open()
    const first = submit(batcher, {}, 1)
    const second = submit(batcher, {}, 2)
    runner.alive = false
    runner.runs[0]!.finish(inferenceError('UNAVAILABLE', 'the session thread has ended'))
    expect(await first.answer).toBe('UNAVAILABLE')
    await settled()
    expect(lost).toEqual([runner])
    const successor = new HandRunner()
    batcher.addRunner(successor)
    successor.runs[0]!.finish()
    expect(await second.answer).toEqual([2])
  })

  it('drains: resolves only after the last answer', async () => {
    const batcher = open()
    void submit(batcher, {}, 1)
    void submit(batcher, {}, 2)
    let drained = false
    const drain = batcher.drain().then(() => {
      drained = true
    })
    runner.runs[0]!.finish()
    await settled()
    expect(drained).toBe(false)
    runner.runs[1]!.finish()
    await drain
  })

  it('closed, it fails what waits and refuses what comes', async () => {
    const batcher = open()
    void submit(batcher, {}, 1)
    const waiting = submit(batcher, {}, 2)
    batcher.close(inferenceError('UNAVAILABLE', 'unloaded'))
    expect(await waiting.answer).toBe('UNAVAILABLE')
    expect(await submit(batcher, {}, 3).answer).toBe('UNAVAILABLE')
  })
})
