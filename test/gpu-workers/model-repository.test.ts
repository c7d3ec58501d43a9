import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { ModelRepository } from '../../gpu-workers/model-repository.ts'
import { type Logger, silentLogger } from '../../ports/logger.ts'
import type { RawTensor } from '../../schemas/inference-datatype.ts'
import { inferenceStatusOf } from '../../schemas/inference-status.ts'
import { gatherModel, linearModel, publish } from './onnx-fixture.ts'

const threadUrl = new URL('../../gpu-workers/session-thread.ts', import.meta.url)
const limits = { deadlineMs: Number.POSITIVE_INFINITY, timeoutUs: 0, priority: 0 }
const x: RawTensor = { name: 'x', datatype: 'FP32', shape: [1, 1], bytes: new Uint8Array(Float32Array.of(2).buffer) }

describe('ModelRepository', () => {
  let folder: string
  let opened: ModelRepository[]

  const open = async (url = threadUrl, logger: Logger = silentLogger): Promise<ModelRepository> => {
    const settings = { threadUrl: url, provider: 'cpu', sessions: 0, intraOpThreads: 1, clock: systemClock, logger } as const
    const repository = new ModelRepository(folder, settings)
    opened.push(repository)
    await repository.loadAll()
    return repository
  }
  const times = (factor: number): Uint8Array => linearModel([[factor]], [0])

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-repository-'))
    opened = []
  })
  afterEach(async () => {
    await Promise.all(opened.map((repository) => repository.close()))
    await rm(folder, { recursive: true, force: true })
  })

  it('a session whose thread dies fails its own requests, is replaced, and what waits is answered', async () => {
    await publish(folder, 'm', 1, new Uint8Array(1), 'max_batch_size: 1')
    const served = (await open(new URL('./dying-session-thread.ts', import.meta.url))).find('m', '')
    const answers = [1, 2, 3].map(() => served.submit({ inputs: [x], outputs: [] }, limits).answer)
    await expect(answers[0]).rejects.toSatisfy((error) => inferenceStatusOf(error) === 'UNAVAILABLE')
    for (const answer of answers.slice(1)) expect((await answer)[0]!.bytes).toEqual(x.bytes)
    expect(served.sessions).toBe(1)
  })

  it('chooses versions by policy, and ignores what is no version', async () => {
    for (const version of [1, 2, 10]) await publish(folder, 'newest', version, times(version))
    await mkdir(join(folder, 'newest', '.11.new'))
    await mkdir(join(folder, 'newest', '012'))
    await mkdir(join(folder, '.hidden'))
    for (const version of [1, 2, 3])
      await publish(folder, 'all', version, times(version), 'max_batch_size: 4 version_policy { all { } }')
    for (const version of [1, 2, 3])
      await publish(
        folder,
        'some',
        version,
        times(version),
        'max_batch_size: 4 version_policy { specific { versions: [1, 3, 7] } }',
      )
    const repository = await open()
    expect(repository.served().map(({ model, version }) => `${model} ${version}`)).toEqual([
      'all 1',
      'all 2',
      'all 3',
      'newest 10',
      'some 1',
      'some 3',
    ])
    expect(repository.find('all', '').version).toBe('3')
    expect(() => repository.find('newest', '2')).toThrow(/has no version "2"; served: 10/)
  })

  it('completes a model without config.pbtxt: batches of 4 where the first dimension is open', async () => {
    await publish(folder, 'bare', 1, times(3))
    const served = (await open()).find('bare', '')
    expect(served.config).toMatchObject({
      max_batch_size: 4,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [1] }],
      output: [
        { name: 'y', data_type: 'TYPE_FP32', dims: [1] },
        { name: 'sum', data_type: 'TYPE_FP32', dims: [1] },
      ],
    })
  })

  it('loading again keeps what did not change and replaces what did', async () => {
    await publish(folder, 'm', 1, times(3), 'max_batch_size: 4')
    const repository = await open()
    const first = repository.find('m', '')
    await repository.load('m')
    expect(repository.find('m', '')).toBe(first)
    await writeFile(join(folder, 'm', 'config.pbtxt'), 'max_batch_size: 8')
    await repository.load('m')
    expect(repository.find('m', '').signature.maxBatchSize).toBe(8)
    await first
      .submit({ inputs: [x], outputs: [] }, limits)
      .answer.catch((error) => expect(inferenceStatusOf(error)).toBe('UNAVAILABLE'))
  })

  it.each([
    ['input [{ name: "k" data_type: TYPE_FP32 dims: [1] }]', /input "x" of the file is not in config.pbtxt/],
    ['input [{ name: "x" data_type: TYPE_INT32 dims: [1] }]', /input "x" is TYPE_INT32 in config.pbtxt but FP32 in the file/],
    ['input [{ name: "x" data_type: TYPE_FP32 dims: [2] }]', /input "x" has dims \[2\] in config.pbtxt but \[1\] in the file/],
    ['input [{ name: "x" data_type: TYPE_FP32 dims: [1, 1] }]', /dims \[1,1\]/],
    ['output [{ name: "z" data_type: TYPE_FP32 dims: [1] }]', /output "z" is not in the file, which has y, sum/],
    ['model_warmup [{ batch_size: 5 inputs { key: "x" value { data_type: TYPE_FP32 dims: [1] zero_data: true } } }]', /5 rows/],
  ])('a config that contradicts the file does not load: %s', async (config, message) => {
    await publish(folder, 'm', 1, times(1), `max_batch_size: 4 ${config}`)
    const repository = await open()
    expect((await repository.index())[0]).toMatchObject({ state: 'UNAVAILABLE', reason: expect.stringMatching(message) })
  })

  it('serves an output that config.pbtxt does not name, which another version may lack', async () => {
    await publish(folder, 'm', 1, times(3), 'max_batch_size: 4 output [{ name: "y" data_type: TYPE_FP32 dims: [1] }]')
    const version = (await open()).find('m', '')
    expect(version.signature.outputs.map(({ name }) => name)).toEqual(['y', 'sum'])
    const [answer] = await version.submit({ inputs: [x], outputs: ['sum'] }, limits).answer
    expect(answer).toMatchObject({ name: 'sum' })
  })

  it('serves an older version that learned fewer columns beside the one that config.pbtxt describes', async () => {
    const config = 'max_batch_size: 4 input [{ name: "x" data_type: TYPE_FP32 dims: [2] }] version_policy { all { } }'
    await publish(folder, 'm', 1, times(3), config)
    await publish(folder, 'm', 2, linearModel([[1], [10]], [0]), config)
    const repository = await open()
    expect(repository.served().map(({ version }) => version)).toEqual(['1', '2'])
    expect(repository.find('m', '1').config.input).toMatchObject([{ name: 'x', dims: [1] }])
    expect(repository.find('m', '').config.input).toMatchObject([{ name: 'x', dims: [2] }])
    const [answer] = await repository.find('m', '1').submit({ inputs: [x], outputs: ['y'] }, limits).answer
    expect(new Float32Array(answer!.bytes.slice().buffer)[0]).toBe(6)
  })

  it('is ready only after the warm-up, which no statistics count', async () => {
    const warmup =
      'model_warmup [{ name: "w" batch_size: 4 count: 3 inputs { key: "id" value { data_type: TYPE_INT64 dims: [1] zero_data: true } } }]'
    await publish(folder, 'm', 1, gatherModel([[1, 2]]), `max_batch_size: 4 ${warmup}`)
    const repository = await open()
    expect(repository.find('m', '').statistics).toMatchObject({ rows: 0, batches: 0 })
    expect(repository.totals()).toEqual({ requests: 0, rows: 0, batches: 0 })
  })

  it('totals never fall, whatever is swapped or unloaded', async () => {
    await publish(folder, 'm', 1, times(1))
    const repository = await open()
    await repository.find('m', '').submit({ inputs: [x], outputs: [] }, limits).answer
    await publish(folder, 'm', 2, times(2))
    await repository.load('m')
    await repository.find('m', '').submit({ inputs: [x], outputs: [] }, limits).answer
    expect(repository.totals()).toEqual({ requests: 2, rows: 2, batches: 2 })
    await repository.unload('m')
    expect(repository.totals()).toEqual({ requests: 2, rows: 2, batches: 2 })
    expect(await repository.index()).toEqual([{ model: 'm', version: '', state: 'UNAVAILABLE', reason: 'unloaded' }])
  })

  it.each(['', '.', '..', '../m', 'a/b', '/etc', '.hidden'])('%j is no model name', async (name) => {
    const repository = await open()
    await expect(repository.load(name)).rejects.toMatchObject({ details: { status: 'NOT_FOUND' } })
    expect(await repository.index()).toEqual([])
  })
})
