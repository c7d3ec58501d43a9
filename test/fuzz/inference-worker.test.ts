import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials, status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeModelInferResponse, encodeModelInferRequest } from '../../schemas/inference-codec.ts'
import type { ModelInferRequest } from '../../schemas/inference-messages.ts'
import { linearModel, publish } from '../gpu-workers/onnx-fixture.ts'
import { WorkerProcess } from '../gpu-workers/worker-process.ts'
import { byteChanges, mutated, varint } from './byte-mutations.ts'

const path = '/inference.GRPCInferenceService/ModelInfer'
const goodConfig = `max_batch_size: 8
  input [{ name: "x" data_type: TYPE_FP32 dims: [2] }]
  instance_group [{ kind: KIND_CPU count: 1 }] dynamic_batching { max_queue_delay_microseconds: 100 }`
/** Half of its changes hurt nobody. */
const commented = `${goodConfig} # ${'what nobody reads '.repeat(14)}`
const model = linearModel([[1], [10]], [0.5])
let repository: string
let worker: WorkerProcess
let client: Client

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'millrace-fuzz-models-'))
  await publish(repository, 'good', 1, model, goodConfig)
  worker = await WorkerProcess.start(repository)
  client = new Client(worker.ready.address, credentials.createInsecure())
})
afterAll(async () => {
  client.close()
  worker.child.stdin!.end()
  await worker.exited
  await rm(repository, { recursive: true, force: true })
})

function requestOf(change: Partial<ModelInferRequest> = {}): ModelInferRequest {
  const x = { name: 'x', datatype: 'FP32', shape: [2, 2], parameters: new Map(), contents: null }
  const rawContents = [new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)]
  return { modelName: 'good', modelVersion: '', id: 'a', parameters: new Map(), inputs: [x], outputs: [], rawContents, ...change }
}

/** One call with any bytes as its message; the status it ended with, and the answer. */
function call(bytes: Uint8Array, method = path): Promise<{ code: number; details: string; answer: Buffer | undefined }> {
  return new Promise((resolve) => {
    const same = (value: Buffer) => value
    client.makeUnaryRequest(method, same, same, Buffer.from(bytes), { deadline: Date.now() + 10_000 }, (error, answer) =>
      resolve({ code: error?.code ?? status.OK, details: error?.details ?? '', answer }),
    )
  })
}

/** The worker lives and still computes x·W + b. */
async function expectServes(): Promise<void> {
  const { answer, details } = await call(encodeModelInferRequest(requestOf()))
  expect(details).toBe('')
  const { rawContents } = decodeModelInferResponse(answer!)
  expect([...new Float32Array(Uint8Array.from(rawContents[0]!).buffer)]).toEqual([21.5, 43.5])
  expect(worker.child.exitCode).toBeNull()
}

describe('ModelInfer', () => {
  it('any bytes and mutated requests end with a clear status, and the worker serves on', async () => {
    const good = encodeModelInferRequest(requestOf())
    const told: Record<number, number> = {}
    await fc.assert(
      fc.asyncProperty(byteChanges, fc.uint8Array({ maxLength: 80 }), fc.nat({ max: 4 }), async (changes, bytes, dice) => {
        const { code, details } = await call(dice === 0 ? bytes : mutated(good, changes))
        told[code] = (told[code] ?? 0) + 1
        expect([status.OK, status.INVALID_ARGUMENT, status.NOT_FOUND, status.UNIMPLEMENTED], details).toContain(code)
        if (code !== status.OK) expect(details).toMatch(/\w/)
      }),
      { numRuns: 500 },
    )
    expect(told[status.OK]).toBeGreaterThan(2)
    expect(told[status.INVALID_ARGUMENT]).toBeGreaterThan(50)
    await expectServes()
  })

  const number = fc.oneof(fc.integer({ min: -2, max: 9 }), fc.maxSafeInteger())
  const tensor = fc.record({
    name: fc.constantFrom('x', 'x', 'x', 'y', ''),
    datatype: fc.constantFrom('FP32', 'FP32', 'INT64', 'BYTES', 'BF16', 'FP99', ''),
    shape: fc.oneof(fc.constant([1, 2]), fc.array(number, { maxLength: 5 })),
    parameters: fc.constantFrom(new Map(), new Map([['shared_memory_region', { kind: 'string', value: 'r' } as const]])),
    contents: fc.option(
      fc.record({
        bools: fc.constant([]),
        ints: fc.array(fc.integer(), { maxLength: 2 }),
        int64s: fc.constant([]),
        uints: fc.constant([]),
        uint64s: fc.constant([]),
        fp32s: fc.array(fc.float(), { maxLength: 4 }),
        fp64s: fc.constant([]),
        bytes: fc.array(fc.uint8Array(), { maxLength: 2 }),
      }),
      { freq: 2 },
    ),
  })
  const parameter = fc.oneof(
    fc.record({ kind: fc.constant('int64' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    fc.record({ kind: fc.constant('string' as const), value: fc.string() }),
    fc.record({ kind: fc.constant('double' as const), value: fc.double() }),
  )
  const request = fc.record({
    modelName: fc.constantFrom('good', 'good', 'good', 'bad', '', '../good', '__proto__'),
    modelVersion: fc.constantFrom('', '', '1', '2', '-1', '1e0', 'x'),
    id: fc.string(),
    parameters: fc
      .array(fc.tuple(fc.constantFrom('timeout', 'priority', 'x'), parameter), { maxLength: 2 })
      .map((all) => new Map(all)),
    inputs: fc.array(tensor, { maxLength: 3 }),
    outputs: fc.array(fc.record({ name: fc.constantFrom('y', 'sum', 'z', ''), parameters: fc.constant(new Map()) }), {
      maxLength: 3,
    }),
    rawContents: fc.array(fc.oneof(fc.constant(new Uint8Array(8)), fc.uint8Array({ maxLength: 20 })), { maxLength: 3 }),
  })

  it('well-formed requests that make no sense are refused by what is wrong with them', async () => {
    const told: Record<number, number> = {}
    await fc.assert(
      fc.asyncProperty(request, async (fields) => {
        const { code, details } = await call(encodeModelInferRequest(fields as unknown as ModelInferRequest))
        told[code] = (told[code] ?? 0) + 1
        const fine = [status.OK, status.INVALID_ARGUMENT, status.NOT_FOUND, status.UNIMPLEMENTED, status.DEADLINE_EXCEEDED]
        expect(fine, details).toContain(code)
        if (code === status.INVALID_ARGUMENT) expect(details).toMatch(/input|tensor|output|parameter|raw_input_contents|message/)
      }),
      { numRuns: 500 },
    )
    expect(told[status.INVALID_ARGUMENT]).toBeGreaterThan(50)
    await expectServes()
  })

  it.each([
    ['a packed shape of a million sizes', shapeOf(1_000_000)],
    ['a length beyond the message', Buffer.concat([Buffer.from([0x2a]), varint(1n << 31n)])],
    ['a length of 2^63', Buffer.concat([Buffer.from([0x3a]), varint((1n << 63n) - 1n)])],
    ['100,000 empty inputs', Buffer.alloc(200_000, Buffer.from([0x2a, 0]))],
    ['100,000 empty parameters', Buffer.alloc(200_000, Buffer.from([0x22, 0]))],
  ])('%s is refused', async (_name, bytes) => {
    const { code, details } = await call(bytes)
    expect([status.INVALID_ARGUMENT, status.NOT_FOUND], details).toContain(code)
    await expectServes()
  })

  it('other methods of the service take any bytes too', async () => {
    const methods = [
      'ModelReady',
      'ModelMetadata',
      'ModelConfig',
      'ModelStatistics',
      'RepositoryIndex',
      'RepositoryModelLoad',
      'Nothing',
    ]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), fc.uint8Array({ maxLength: 40 }), async (method, bytes) => {
        const { code, details } = await call(bytes, path.replace('ModelInfer', method))
        expect(code, details).not.toBe(status.DEADLINE_EXCEEDED)
        expect(code, details).not.toBe(status.UNAVAILABLE)
      }),
      { numRuns: 200 },
    )
    await expectServes()
  })

  it('raw bytes on the wire, behind frames of HTTP/2 and without, end the connection only', async () => {
    const session = connect(`http://${worker.ready.address}`)
    session.on('error', () => {})
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        // A body with any length prefix, compressed flag included.
        const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' })
        const ended = new Promise<void>((resolve) => stream.on('close', resolve))
        stream.on('error', () => {}).resume()
        stream.end(Buffer.from(bytes))
        await ended
      }),
      { numRuns: 100 },
    )
    session.close()
    await expectServes()
  }, 30_000)
})

describe('the model repository', () => {
  const request = (name: string) => Buffer.concat([Buffer.from([0x12, name.length]), Buffer.from(name)])
  const load = (name: string) => call(request(name), path.replace('ModelInfer', 'RepositoryModelLoad'))

  it('a mutated model is refused by its name or served, and the others go on', async () => {
    const told = { refused: 0, served: 0 }
    let version = 0
    await fc.assert(
      fc.asyncProperty(
        byteChanges,
        fc.uint8Array({ maxLength: 100 }),
        fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7),
        async (changes, bytes, dice) => {
          version++
          // Flipped bits leave most of the structure whole: weights, names, sizes and types go wrong then.
          const broken = mutated(model, dice < 3 ? changes : changes.slice(0, 1).map((change) => ({ ...change, kind: 'flip' })))
          await publish(repository, 'onnx', version, dice === 0 ? bytes : broken, goodConfig)
          const { code, details } = await load('onnx')
          expect(worker.child.exitCode, worker.stderr).toBeNull()
          told[code === status.OK ? 'served' : 'refused']++
          if (code !== status.OK) {
            expect([status.INVALID_ARGUMENT, status.INTERNAL], details).toContain(code)
            expect(details).toMatch(/model "onnx" version \d+: |onnx\/config.pbtxt/)
          }
        },
      ),
      { numRuns: 30, interruptAfterTimeLimit: 4_000 },
    )
    expect(told.refused).toBeGreaterThan(0)
    // What was refused for its bytes alone is served once they are whole.
    await publish(repository, 'onnx', version + 1, model, goodConfig)
    expect(await load('onnx')).toMatchObject({ code: status.OK })
    await expectServes()
  }, 30_000)

  it('a mutated config.pbtxt is refused by its place, and the others go on', async () => {
    const told = { refused: 0, served: 0 }
    await publish(repository, 'config', 1, model, goodConfig)
    await fc.assert(
      fc.asyncProperty(
        byteChanges,
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.nat({ max: 5 }),
        async (changes, text, dice) => {
          await writeFile(
            join(repository, 'config', 'config.pbtxt'),
            dice === 0 ? text : mutated(Buffer.from(commented), changes.slice(0, 1)),
          )
          const { code, details } = await load('config')
          told[code === status.OK ? 'served' : 'refused']++
          if (code === status.OK) return
          expect(code, details).toBe(status.INVALID_ARGUMENT)
          expect(details).toContain('config')
        },
      ),
      { numRuns: 30, interruptAfterTimeLimit: 4_000 },
    )
    expect(told.refused).toBeGreaterThan(0)
    await writeFile(join(repository, 'config', 'config.pbtxt'), commented)
    expect(await load('config')).toMatchObject({ code: status.OK })
    await expectServes()
  }, 30_000)

  it('folders that hold no model are told in the index and hurt nobody', async () => {
    await mkdir(join(repository, 'empty'), { recursive: true })
    await mkdir(join(repository, 'hollow', '1'), { recursive: true })
    await mkdir(join(repository, 'folder', '1', 'model.onnx'), { recursive: true })
    await mkdir(join(repository, 'configured', 'config.pbtxt'), { recursive: true })
    for (const name of ['empty', 'hollow', 'folder', 'configured', '../..', '', 'nowhere'])
      expect((await load(name)).details, name).toMatch(name === '' || name === '../..' ? /\w/ : new RegExp(name))
    await expectServes()
  })
})

/** A tensor whose packed shape has so many sizes. */
function shapeOf(count: number): Buffer {
  const sizes = Buffer.alloc(count, 1)
  const shape = Buffer.concat([Buffer.from([0x1a]), varint(BigInt(count)), sizes])
  const tensor = Buffer.concat([Buffer.from([0x0a, 1, 0x78, 0x12, 4]), Buffer.from('FP32'), shape])
  return Buffer.concat([Buffer.from([0x0a, 4]), Buffer.from('good'), Buffer.from([0x2a]), varint(BigInt(tensor.length)), tensor])
}
