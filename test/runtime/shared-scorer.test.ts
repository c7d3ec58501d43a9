import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Inference, InferRequest } from '../../ports/inference.ts'
import { silentMetrics } from '../../ports/metrics.ts'
import { SharedScorer } from '../../runtime/shared-scorer.ts'

/** A worker that adds up each row, and answers when told. */
function openScorer(limits: { rowsMax?: number; queueRowsMax?: number } = {}) {
  const requests: { rows: number; version: string; answer: () => void; fail: (error: unknown) => void }[] = []
  const inference: Inference = {
    capacity: 1,
    models: () => Promise.resolve([]),
    inputWidth: () => Promise.resolve(0),
    close: () => Promise.resolve(),
    infer: (request: InferRequest) =>
      new Promise((resolve, reject) => {
        const [input] = request.inputs
        const [rows, width] = input!.shape as [number, number]
        const data = input!.data as Float32Array
        const sums = Float32Array.from({ length: rows }, (_, row) =>
          data.subarray(row * width, (row + 1) * width).reduce((sum, one) => sum + one, 0),
        )
        const answer = () =>
          resolve({
            model: request.model,
            version: request.version || '7',
            outputs: [{ name: 'score', datatype: 'FP32', shape: [rows, 1], data: sums }],
          } as never)
        requests.push({ rows, version: request.version, answer, fail: reject })
      }),
  }
  const clock = new ManualClock()
  const options = { rowsMax: 4, queueRowsMax: 8, deadlineMs: 10, retryMs: 1_000, ...limits }
  const scorer = new SharedScorer(inference, options, clock, silentMetrics)
  const score = (...rows: number[]) =>
    scorer.score('m', Float32Array.from(rows.flatMap((one) => [one, 100])), rows.length, ['score'])
  return { scorer, score, requests, clock }
}

describe('SharedScorer', () => {
  it('sends the first call at once, joins those that come meanwhile, and gives each its own rows', async () => {
    const { score, requests } = openScorer()
    const calls = [score(1), score(2, 3), score(4)]
    expect(requests.map(({ rows }) => rows)).toEqual([1])
    requests[0]!.answer()
    const [first] = await Promise.all([calls[0], new Promise((resolve) => setImmediate(resolve))])
    expect(requests.map(({ rows }) => rows)).toEqual([1, 3])
    requests[1]!.answer()
    const [, second, third] = await Promise.all(calls)
    expect([first, second, third].map((one) => [...one!.outputs[0]!])).toEqual([[101], [102, 103], [104]])
    expect(second!.version).toBe('7')
  })

  it('never joins rows of different versions, and one that is away takes no other with it', async () => {
    const { scorer, requests, clock } = openScorer()
    const score = (version: string, row: number) => scorer.score('m', Float32Array.of(row, 100), 1, ['score'], version)
    const calls = [score('1', 0), score('2', 1), score('1', 2), score('2', 3), score('', 4)]
    for (let at = 0; at < 4; at++) {
      requests[at]!.answer()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(requests.map(({ version, rows }) => [version, rows])).toEqual([
      ['1', 1],
      ['2', 2],
      ['1', 1],
      ['', 1],
    ])
    const answers = await Promise.all(calls)
    expect(answers.map(({ version, outputs }) => [version, ...outputs[0]!])).toEqual([
      ['1', 100],
      ['2', 101],
      ['1', 102],
      ['2', 103],
      ['7', 104],
    ])
    const unknown = score('9', 5)
    requests[4]!.fail(new MillraceError('MILL_INFERENCE_INVALID', 'no version 9'))
    await expect(unknown).rejects.toMatchObject({ code: 'MILL_INFERENCE_INVALID' })
    expect(['9', '1', ''].map((version) => scorer.ready('m', version))).toEqual([false, true, true])
    clock.advance(1_000)
    expect(scorer.ready('m', '9')).toBe(true)
  })

  it('refuses past its queue limit, and takes calls again when there is room', async () => {
    const { score, requests } = openScorer({ queueRowsMax: 2 })
    const calls = [score(1), score(2), score(3)]
    await expect(score(4)).rejects.toMatchObject({ code: 'MILL_INFERENCE_OVERLOADED' })
    requests[0]!.answer()
    await calls[0]
    await new Promise((resolve) => setImmediate(resolve))
    const late = score(5)
    requests[1]!.answer()
    await Promise.all(calls)
    await new Promise((resolve) => setImmediate(resolve))
    requests[2]!.answer()
    expect([...(await late).outputs[0]!]).toEqual([105])
  })

  it('remembers that a model is away, and asks again later', async () => {
    const { scorer, score, requests, clock } = openScorer()
    const call = score(1)
    requests[0]!.fail(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'no worker'))
    await expect(call).rejects.toMatchObject({ code: 'MILL_INFERENCE_UNAVAILABLE' })
    expect(scorer.ready('m')).toBe(false)
    await expect(score(1)).rejects.toMatchObject({ code: 'MILL_INFERENCE_UNAVAILABLE' })
    expect(requests).toHaveLength(1)
    clock.advance(1_000)
    expect(scorer.ready('m')).toBe(true)
    const again = score(2)
    requests[1]!.answer()
    expect([...(await again).outputs[0]!]).toEqual([102])
  })

  it('cuts a call that is larger than a request and puts the answer together', async () => {
    const { score, requests } = openScorer()
    const call = score(1, 2, 3, 4, 5, 6)
    requests[0]!.answer()
    await new Promise((resolve) => setImmediate(resolve))
    requests[1]!.answer()
    expect([...(await call).outputs[0]!]).toEqual([101, 102, 103, 104, 105, 106])
    expect(requests.map(({ rows }) => rows)).toEqual([4, 2])
  })

  it('refuses numbers that are too few or not finite, and the model counts as away', async () => {
    for (const spoilt of [Float32Array.of(1), Float32Array.of(1, Number.NaN), Float32Array.of(1, Number.POSITIVE_INFINITY)]) {
      const inference: Inference = {
        capacity: 1,
        models: () => Promise.resolve([]),
        inputWidth: () => Promise.resolve(0),
        close: () => Promise.resolve(),
        infer: ({ model }) =>
          Promise.resolve({
            model,
            version: '7',
            outputs: [{ name: 'score', datatype: 'FP32', shape: [spoilt.length, 1], data: spoilt }],
          }),
      }
      const options = { rowsMax: 4, queueRowsMax: 8, deadlineMs: 10, retryMs: 1_000 }
      const scorer = new SharedScorer(inference, options, new ManualClock(), silentMetrics)
      await expect(scorer.score('m', Float32Array.of(1, 2), 2, ['score'])).rejects.toMatchObject({
        code: 'MILL_INFERENCE_INVALID',
      })
      expect(scorer.ready('m')).toBe(false)
      expect(scorer).toMatchObject({ failures: 1, rows: 0, requests: 0 })
    }
  })

  it('asks a model for all it has where more than its scores is wanted, and gives the rest as far as it is there', async () => {
    let hidden = true
    const asked: (readonly string[])[] = []
    const inference: Inference = {
      capacity: 1,
      models: () => Promise.resolve([]),
      inputWidth: () => Promise.resolve(1),
      close: () => Promise.resolve(),
      infer: async ({ model, inputs, outputs }) => {
        asked.push(outputs)
        const data = inputs[0]!.data as Float32Array
        const rows = data.length
        const score = { name: 'score', datatype: 'FP32', shape: [rows, 1], data: data.slice() } as const
        const layer = Float32Array.from([...data].flatMap((one) => [10 * one, -one]))
        const last = { name: 'hidden', datatype: 'FP32', shape: [rows, 2], data: layer } as const
        return { model, version: '7', outputs: hidden ? [score, last] : [score] }
      },
    }
    const options = { rowsMax: 4, queueRowsMax: 8, deadlineMs: 10, retryMs: 1_000 }
    const scorer = new SharedScorer(inference, options, new ManualClock(), silentMetrics)
    const score = async (...rows: number[]) => {
      const { outputs } = await scorer.score('m', Float32Array.from(rows), rows.length, ['score'], '', ['hidden'])
      return outputs.map((output) => [...output])
    }
    // Two calls that wait travel together, a call of more rows than a request is cut: each has its own rows of both.
    const [, second, third, cut] = await Promise.all([score(9), score(1, 2), score(3), score(1, 2, 3, 4, 5)])
    expect([second, third]).toEqual([
      [
        [1, 2],
        [10, -1, 20, -2],
      ],
      [[3], [30, -3]],
    ])
    expect(cut).toEqual([
      [1, 2, 3, 4, 5],
      [10, -1, 20, -2, 30, -3, 40, -4, 50, -5],
    ])
    hidden = false
    expect(await score(1, 2)).toEqual([[1, 2], []])
    expect(asked.every((outputs) => outputs.length === 0)).toBe(true)
  })

  it('gives a model of an older feature schema its first columns, and a newer one all of them', async () => {
    let takes = 2
    const asked: number[] = []
    const inference: Inference = {
      capacity: 1,
      models: () => Promise.resolve([]),
      inputWidth: () => Promise.resolve(takes),
      close: () => Promise.resolve(),
      infer: async ({ model, inputs }) => {
        const [rows, width] = inputs[0]!.shape as [number, number]
        asked.push(width)
        if (width !== takes) throw new MillraceError('MILL_INFERENCE_INVALID', `takes ${takes} columns`)
        const data = Float32Array.from({ length: rows }, (_, row) => (inputs[0]!.data as Float32Array)[row * width + width - 1]!)
        return { model, version: '7', outputs: [{ name: 'score', datatype: 'FP32', shape: [rows, 1], data }] }
      },
    }
    const options = { rowsMax: 4, queueRowsMax: 8, deadlineMs: 10, retryMs: 1_000 }
    const scorer = new SharedScorer(inference, options, new ManualClock(), silentMetrics)
    const score = async () => [...(await scorer.score('m', Float32Array.of(1, 2, 3, 4, 5, 6), 2, ['score'])).outputs[0]!]
    expect([await score(), await score()]).toEqual([
      [2, 5],
      [2, 5],
    ])
    takes = 3
    expect(await score()).toEqual([3, 6])
    expect(asked).toEqual([3, 2, 2, 2, 3])
    takes = 4
    await expect(score()).rejects.toMatchObject({ code: 'MILL_INFERENCE_INVALID' })
  })
})
