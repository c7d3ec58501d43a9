import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../core/random.ts'
import type { Inference, InferRequest, Tensor } from '../../ports/inference.ts'
import { gatherModel, linearModel, publish, slowModel } from '../gpu-workers/onnx-fixture.ts'

export interface InferenceConformance {
  /** Serves a model repository; every model is loaded when it resolves. `load` brings one model to what its folder says now. */
  open(repository: string): Promise<{ readonly inference: Inference; load(model: string): Promise<void>; close(): Promise<void> }>
}

const weights: readonly (readonly number[])[] = [
  [1, 2],
  [3, 4],
  [5, 6],
]
const bias: readonly number[] = [0.5, -0.5]

/** Every promise of ports/inference.ts as a case, on graphs made here. */
export function inferenceConformance(name: string, { open }: InferenceConformance): void {
  describe(`Inference: ${name}`, () => {
    let repository: string
    let subject: Awaited<ReturnType<InferenceConformance['open']>>
    let inference: Inference

    beforeAll(async () => {
      repository = await mkdtemp(join(tmpdir(), 'millrace-models-'))
      await publishAll(repository)
      subject = await open(repository)
      inference = subject.inference
    })
    afterAll(async () => {
      await subject?.close()
      await rm(repository, { recursive: true, force: true })
    })

    describe('answers', () => {
      it.each([1, 2, 64])('computes %i rows, shapes included', async (rows) => {
        const data = Float32Array.from({ length: rows * 3 }, (_, i) => i / 7)
        const { model, version, outputs } = await inference.infer(linear(data))
        expect({ model, version }).toEqual({ model: 'linear', version: '2' })
        expect(outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: [...shape] }))).toEqual([
          { name: 'y', datatype: 'FP32', shape: [rows, 2] },
          { name: 'sum', datatype: 'FP32', shape: [rows, 1] },
        ])
        for (let row = 0; row < rows; row++) {
          const y = expectedRow(Float32Array.from({ length: 3 }, (_, i) => (row * 3 + i) / 7))
          expect(outputs[0]!.data[row * 2]).toBeCloseTo(y[0]!, 3)
          expect(outputs[0]!.data[row * 2 + 1]).toBeCloseTo(y[1]!, 3)
          expect(outputs[1]!.data[row]).toBeCloseTo(y[0]! + y[1]!, 3)
        }
      })

      it('gives only the outputs asked for, in the order asked', async () => {
        const request = { ...linear(Float32Array.of(1, 1, 1)), outputs: ['sum', 'y'] }
        expect((await inference.infer(request)).outputs.map((output) => output.name)).toEqual(['sum', 'y'])
        expect((await inference.infer({ ...request, outputs: ['sum'] })).outputs).toHaveLength(1)
      })

      it('reads an input that lies inside a larger buffer', async () => {
        const data = Float32Array.of(9, 9, 1, 2, 3, 9).subarray(2, 5)
        expect([...(await inference.infer(linear(data))).outputs[0]!.data]).toEqual([...expectedRow(Float32Array.of(1, 2, 3))])
      })

      it('carries 64-bit integers whole', async () => {
        const ids = BigInt64Array.of(0n, -(2n ** 63n), 2n ** 63n - 1n, -1n)
        const { outputs } = await inference.infer({ ...lookup('gather', ids), outputs: ['echo'] })
        expect(outputs[0]!.data).toEqual(ids)
      })

      it('ids −1 and N are clipped, and leak no row', async () => {
        const ids = Int32Array.of(-1, 0, 1, 2, 1_000_000)
        const { outputs } = await inference.infer({ ...lookup('gather32', ids), outputs: ['row'] })
        expect(outputs[0]!.shape).toEqual([5, 1, 2])
        expect([...outputs[0]!.data]).toEqual([1, 2, 1, 2, 3, 4, 3, 4, 3, 4])
      })
    })

    describe('batches', () => {
      it('hands each caller its own rows, however requests are joined', async () => {
        const random = createRandom('rows')
        const requests = Array.from({ length: 200 }, () =>
          Float32Array.from({ length: 3 * (1 + random.below(9)) }, () => random.below(1000)),
        )
        const inputs = requests.map((data) => data.slice())
        const answers = await Promise.all(requests.map((data) => inference.infer(linear(data, 10_000))))
        for (let i = 0; i < inputs.length; i++) {
          const rows = inputs[i]!.length / 3
          expect(answers[i]!.outputs[0]!.shape).toEqual([rows, 2])
          for (let row = 0; row < rows; row++) {
            const expected = expectedRow(inputs[i]!.subarray(row * 3, row * 3 + 3))
            expect([...answers[i]!.outputs[0]!.data.slice(row * 2, row * 2 + 2)]).toEqual([...expected])
          }
        }
      })

      it('the score of a row does not depend on its neighbours', async () => {
        const random = createRandom('neighbours')
        const row = Float32Array.from({ length: 32 }, () => random.next() - 0.5)
        const alone = (await inference.infer(tower(row))).outputs[0]!.data as Float32Array
        for (const rows of [2, 7, 33, 64]) {
          const batch = Float32Array.from({ length: rows * 32 }, () => (random.next() - 0.5) * 100)
          const at = random.below(rows)
          batch.set(row, at * 32)
          const together = (await inference.infer(tower(batch))).outputs[0]!.data.slice(at * 48, at * 48 + 48) as Float32Array
          for (let i = 0; i < 48; i++) expect(Math.abs(together[i]! - alone[i]!)).toBeLessThan(1e-5)
        }
      })

      it('a row that the graph cannot run fails its own request only', async () => {
        const answers = await Promise.allSettled(
          Array.from({ length: 40 }, (_, i) =>
            inference.infer({ ...lookup('unclipped', BigInt64Array.of(i % 10 === 7 ? 99n : 1n), 10_000), outputs: ['row'] }),
          ),
        )
        for (const [i, answer] of answers.entries()) {
          if (i % 10 === 7) expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'MILL_INFERENCE_INVALID' } })
          else expect(answer.status === 'fulfilled' && [...answer.value.outputs[0]!.data]).toEqual([3, 4])
        }
      })
    })

    describe('refusals', () => {
      const wrong: readonly (readonly [string, Partial<InferRequest>, RegExp])[] = [
        ['an unknown model', { model: 'nobody' }, /nobody/],
        ['an unknown version', { version: '99' }, /99/],
        ['an unknown output', { outputs: ['z'] }, /"z"/],
        ['a missing input', { inputs: [] }, /"x"/],
        ['an unknown input', { inputs: [tensor('k', [1, 3], Float32Array.of(1, 2, 3))] }, /"k"/],
        [
          'another datatype',
          { inputs: [{ name: 'x', datatype: 'INT32', shape: [1, 3], data: Int32Array.of(1, 2, 3) }] },
          /INT32/,
        ],
        [
          'data of another type than it says',
          { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: Int32Array.of(1, 2, 3) }] },
          /FP32/,
        ],
        ['a wrong trailing size', { inputs: [tensor('x', [1, 4], new Float32Array(4))] }, /\[1,4\]/],
        ['a wrong rank', { inputs: [tensor('x', [3], new Float32Array(3))] }, /\[3\]/],
        ['a shape that its data does not fill', { inputs: [tensor('x', [2, 3], new Float32Array(3))] }, /12 bytes/],
        ['no row', { inputs: [tensor('x', [0, 3], new Float32Array(0))] }, /\[0,3\]/],
        ['more rows than the model takes', { inputs: [tensor('x', [65, 3], new Float32Array(195))] }, /65 rows/],
      ]
      it.each(wrong)('%s is MILL_INFERENCE_INVALID and the message names it', async (_, change, message) => {
        const request = { ...linear(Float32Array.of(1, 2, 3)), ...change }
        await expect(inference.infer(request)).rejects.toMatchObject({
          code: 'MILL_INFERENCE_INVALID',
          message: expect.stringMatching(message),
        })
      })

      it('a missed deadline is MILL_INFERENCE_TIMEOUT, and the model serves on', async () => {
        await expect(inference.infer(slow(5))).rejects.toMatchObject({ code: 'MILL_INFERENCE_TIMEOUT' })
        await inference.infer(slow(10_000))
      })

      it('past the queue limit it is MILL_INFERENCE_OVERLOADED, and what was taken is answered', async () => {
        const answers = await Promise.allSettled(Array.from({ length: 8 }, () => inference.infer(slow(10_000))))
        const refused = answers.filter((answer) => answer.status === 'rejected')
        expect(refused.length).toBeGreaterThanOrEqual(4) // One runs, two wait; the first may be done before the last arrives.
        for (const answer of refused) expect(answer.reason).toMatchObject({ code: 'MILL_INFERENCE_OVERLOADED' })
        expect(answers.length - refused.length).toBeGreaterThanOrEqual(3)
      })
    })

    describe('versions', () => {
      it('serves the versions its policy names, each under its number', async () => {
        const answers = await Promise.all(
          ['1', '2'].map((version) => inference.infer({ ...linear(Float32Array.of(0, 0, 0)), version })),
        )
        expect(answers.map((answer) => [answer.version, [...answer.outputs[0]!.data]])).toEqual([
          ['1', [100, 100]],
          ['2', [0.5, -0.5]],
        ])
      })

      it('lists its models and those that did not load, with the reason', async () => {
        const models = await inference.models()
        expect(models.filter(({ model }) => model === 'linear')).toEqual([
          { model: 'linear', version: '1', ready: true, reason: '' },
          { model: 'linear', version: '2', ready: true, reason: '' },
        ])
        const broken = models.find(({ model }) => model === 'broken')
        expect(broken).toMatchObject({ ready: false, reason: expect.stringContaining('1:24: unknown field "max_batch"') })
        expect(inference.capacity).toBeGreaterThanOrEqual(2)
      })

      it('tells how many numbers per row a model takes', async () => {
        expect(await inference.inputWidth('linear')).toBe(3)
        expect(await inference.inputWidth('linear', '1')).toBe(3)
        await expect(inference.inputWidth('linear', '9')).rejects.toMatchObject({ code: 'MILL_INFERENCE_INVALID' })
        await expect(inference.inputWidth('nobody')).rejects.toMatchObject({ code: 'MILL_INFERENCE_INVALID' })
      })

      it('a model that did not load is MILL_INFERENCE_UNAVAILABLE', async () => {
        const request = { ...linear(Float32Array.of(1, 2, 3)), model: 'broken' }
        await expect(inference.infer(request)).rejects.toMatchObject({ code: 'MILL_INFERENCE_UNAVAILABLE' })
      })

      it('swaps versions under load without a failed request, and the version only rises', async () => {
        let swapping = true
        const callers = Array.from({ length: 4 }, async () => {
          const seen: number[] = []
          while (swapping || seen.at(-1) !== 4) {
            const { version, outputs } = await inference.infer({ ...linear(Float32Array.of(0, 0, 0), 10_000), model: 'swap' })
            expect([...outputs[0]!.data]).toEqual([Number(version), Number(version)])
            seen.push(Number(version))
          }
          return seen
        })
        for (const version of [2, 3, 4]) {
          await publish(repository, 'swap', version, constantModel(version))
          await subject.load('swap')
        }
        swapping = false
        for (const seen of await Promise.all(callers)) {
          expect(seen).toEqual(seen.toSorted((a, b) => a - b))
          expect(seen.length).toBeGreaterThan(3)
        }
      })

      it('a version that does not load leaves the old one in service', async () => {
        const folder = join(repository, 'sturdy', '2')
        await mkdir(folder)
        await writeFile(join(folder, 'model.onnx'), 'this is no graph')
        await expect(subject.load('sturdy')).rejects.toMatchObject({ name: 'MillraceError' })
        const { version } = await inference.infer({ ...linear(Float32Array.of(0, 0, 0)), model: 'sturdy' })
        expect(version).toBe('1')
        expect((await inference.models()).find(({ model }) => model === 'sturdy')).toMatchObject({ version: '1', ready: true })
        await rm(folder, { recursive: true })
        await subject.load('sturdy')
      })
    })
  })
}

async function publishAll(repository: string): Promise<void> {
  const batched = (more = ''): string => `max_batch_size: 64 dynamic_batching {} ${more}`
  const policy = 'version_policy { latest { num_versions: 2 } }'
  await publish(repository, 'linear', 1, linearModel(weights, [100, 100]), batched(policy))
  await publish(repository, 'linear', 2, linearModel(weights, bias))
  await publish(repository, 'gather', 1, gatherModel(table, 'INT64'), batched())
  await publish(
    repository,
    'gather32',
    1,
    gatherModel(table, 'INT32'),
    batched('parameters { key: "batch_buckets" value { string_value: "1,8,64" } }'),
  )
  await publish(repository, 'unclipped', 1, gatherModel(table, 'INT64', false), batched())
  await publish(repository, 'tower', 1, towerModel(), batched())
  await publish(
    repository,
    'slow',
    1,
    slowModel(256, 100),
    'max_batch_size: 1 dynamic_batching { default_queue_policy { max_queue_size: 2 } }',
  )
  await publish(repository, 'swap', 1, constantModel(1), batched())
  await publish(repository, 'sturdy', 1, constantModel(1), batched())
  await publish(repository, 'broken', 1, constantModel(1), 'backend: "onnxruntime" max_batch: 64')
}

const table = [
  [1, 2],
  [3, 4],
]

/** Gives `value` whatever it is asked. */
function constantModel(value: number): Uint8Array {
  const zero = [0, 0]
  return linearModel([zero, zero, zero], [value, value])
}

function towerModel(): Uint8Array {
  const random = createRandom('tower')
  return linearModel(
    Array.from({ length: 32 }, () => Array.from({ length: 48 }, () => random.next() - 0.5)),
    Array.from({ length: 48 }, () => random.next()),
  )
}

function expectedRow(x: Float32Array): Float32Array {
  return Float32Array.from([...bias], (b, column) => weights.reduce((sum, row, i) => sum + x[i]! * row[column]!, b))
}

function tensor(name: string, shape: readonly number[], data: Float32Array): Tensor {
  return { name, datatype: 'FP32', shape, data }
}

function linear(data: Float32Array, deadlineMs = 5_000): InferRequest {
  return { model: 'linear', version: '', inputs: [tensor('x', [data.length / 3, 3], data)], outputs: [], deadlineMs }
}

function tower(data: Float32Array): InferRequest {
  return { model: 'tower', version: '', inputs: [tensor('x', [data.length / 32, 32], data)], outputs: ['y'], deadlineMs: 5_000 }
}

function lookup(model: string, ids: BigInt64Array | Int32Array, deadlineMs = 5_000): InferRequest {
  const datatype = ids instanceof BigInt64Array ? 'INT64' : 'INT32'
  return { model, version: '', inputs: [{ name: 'id', datatype, shape: [ids.length, 1], data: ids }], outputs: [], deadlineMs }
}

function slow(deadlineMs: number): InferRequest {
  return { model: 'slow', version: '', inputs: [tensor('x', [1, 1], Float32Array.of(1))], outputs: [], deadlineMs }
}
