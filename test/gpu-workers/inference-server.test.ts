import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Settings } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Client,
  type ClientDuplexStream,
  credentials,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inferenceService } from '../../gpu-workers/grpc-service.ts'
import { type InferenceServer, startInferenceServer } from '../../gpu-workers/inference-server.ts'
import {
  type ModelInferRequest,
  type ModelInferResponse,
  type ModelStreamInferResponse,
  noParameters,
} from '../../schemas/inference-messages.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { linearModel, publish, slowModel } from './onnx-fixture.ts'

const WIDE = 2_000

type Reply = Record<string, unknown>

/** A plain client over the whole service, so that every call and message can be sent as it is. */
class PlainClient {
  readonly client: Client

  constructor(address: string) {
    const Service = makeGenericClientConstructor(inferenceService(), 'GRPCInferenceService')
    this.client = new Service(address, credentials.createInsecure())
  }

  call(name: string, request: object = {}): Promise<Reply> {
    const methods = this.client as unknown as Record<
      string,
      (request: object, done: (error: ServiceError | null, reply: Reply) => void) => void
    >
    return new Promise((resolve, reject) =>
      methods[name]!.call(this.client, request, (error, reply) => (error ? reject(error) : resolve(reply))),
    )
  }

  infer(request: ModelInferRequest): Promise<ModelInferResponse> {
    return this.call('ModelInfer', request) as unknown as Promise<ModelInferResponse>
  }

  stream(): ClientDuplexStream<ModelInferRequest, ModelStreamInferResponse> {
    return (
      this.client as unknown as { ModelStreamInfer(): ClientDuplexStream<ModelInferRequest, ModelStreamInferResponse> }
    ).ModelStreamInfer()
  }
}

function linear(rows: number, change: Partial<ModelInferRequest> = {}): ModelInferRequest {
  const bytes = new Uint8Array(Float32Array.from({ length: rows }, (_, i) => i).buffer)
  return {
    modelName: 'linear',
    modelVersion: '',
    id: '',
    parameters: noParameters,
    inputs: [{ name: 'x', datatype: 'FP32', shape: [rows, 1], parameters: noParameters, contents: null }],
    outputs: [],
    rawContents: [bytes],
    ...change,
  }
}

describe('inference server', () => {
  let repository: string
  let server: InferenceServer
  let plain: PlainClient

  beforeAll(async () => {
    repository = await mkdtemp(join(tmpdir(), 'millrace-server-'))
    const row = Array.from({ length: WIDE }, () => 1)
    await publish(repository, 'linear', 1, linearModel([row], row), 'max_batch_size: 8 dynamic_batching {}')
    await publish(repository, 'slow', 1, slowModel(256, 100), 'max_batch_size: 1 dynamic_batching {}')
    await publish(repository, 'gpu', 1, linearModel([[1]], [0]), 'max_batch_size: 8 instance_group [{ kind: KIND_GPU }]')
    server = await startInferenceServer({ repository, httpPort: 0 })
    plain = new PlainClient(server.address)
  })
  afterAll(async () => {
    plain.client.close()
    await server.close()
    await rm(repository, { recursive: true, force: true })
  })

  const statisticsOf = async (name: string): Promise<Record<string, number>> =>
    ((await plain.call('ModelStatistics', { name, version: '1' })) as { model_stats: Record<string, number>[] }).model_stats[0]!
  const http = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.httpPort}${path}`)

  // The first test: it meets the server of them all while its models still load.
  it('while models load it lives, is not ready, and answers UNAVAILABLE; then it is ready', async () => {
    expect(await plain.call('ServerLive')).toEqual({ live: true })
    expect(await plain.call('ServerReady')).toEqual({ ready: false })
    expect(await plain.call('ModelReady', { name: 'linear' })).toEqual({ ready: false })
    expect((await http('/v2/health/live')).status).toBe(200)
    expect((await http('/v2/health/ready')).status).toBe(503)
    await expect(plain.infer(linear(1))).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('loading'),
    })
    await server.loaded
    expect(await plain.call('ServerReady')).toEqual({ ready: true })
    expect((await http('/v2/health/ready')).status).toBe(200)
    expect((await http('/v2/models')).status).toBe(404)
    await plain.infer(linear(1))
  })

  // It reaches into the gRPC library: a new version of that which does not let it any more is told here, not by slowness.
  it('takes requests of many rows without stopping them on the way', async () => {
    const session = connect(`http://${server.address}`)
    const [settings] = (await once(session, 'remoteSettings')) as [Settings]
    expect(settings.initialWindowSize).toBe(1024 * 1024)
    await waitUntil('the window of the connection', () => session.state.remoteWindowSize === 4 * 1024 * 1024)
    session.destroy()
  })

  it('counts rows as inferences and batches as executions, in statistics and metrics alike', async () => {
    const rows = [1, 2, 5, 8, 3, 3, 1]
    await Promise.all(rows.map((count) => plain.infer(linear(count)))) // 23 rows, and one of the test before.
    await expect(plain.infer(linear(9))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    const { model_stats } = (await plain.call('ModelStatistics', { name: 'linear', version: '1' })) as { model_stats: Reply[] }
    const [stats] = model_stats as [
      Record<string, number> & { inference_stats: Record<string, { count: number; ns: number }>; batch_stats: Reply[] },
    ]
    expect(stats['inference_count']).toBe(24)
    expect(stats.inference_stats['success']!.count).toBe(rows.length + 1)
    const batches = stats.batch_stats.map(
      (one) => [Number(one['batch_size']), Number((one['compute_infer'] as Reply)['count'])] as const,
    )
    expect(batches.reduce((sum, [size, count]) => sum + size * count, 0)).toBe(24)
    expect(batches.reduce((sum, [, count]) => sum + count, 0)).toBe(stats['execution_count'])
    const metrics = await (await http('/metrics')).text()
    const value = (name: string): number =>
      Number(new RegExp(`^${name}\\{model="linear",version="1"\\} (\\S+)$`, 'm').exec(metrics)?.[1])
    expect(value('nv_inference_count')).toBe(24)
    expect(value('nv_inference_exec_count')).toBe(stats['execution_count'])
    expect(value('nv_inference_request_success')).toBe(rows.length + 1)
    expect(value('nv_inference_pending_request_count')).toBe(0)
    for (const part of ['request', 'compute_infer']) expect(value(`nv_inference_${part}_duration_us`)).toBeGreaterThan(0)
    expect(metrics).toContain('millrace_inference_sessions{model="linear",version="1",provider="cpu"} 1')
  })

  it('a stream answers each request, failed ones in-band, and ends when the client ends', async () => {
    const stream = plain.stream()
    const answers: ModelStreamInferResponse[] = []
    stream.on('data', (message) => answers.push(message))
    for (const rows of [1, 9, 2]) stream.write(linear(rows, { id: `rows ${rows}` }))
    stream.end()
    await once(stream, 'end')
    const byId = new Map(answers.map(({ errorMessage, response }) => [response!.id, errorMessage]))
    expect([...byId.keys()].toSorted()).toEqual(['rows 1', 'rows 2', 'rows 9'])
    expect(byId.get('rows 9')).toMatch(/^INVALID_ARGUMENT: .*9 rows/)
    expect([byId.get('rows 1'), byId.get('rows 2')]).toEqual(['', ''])
  })

  it('a stream whose client does not read is not read either, and nothing is lost', async () => {
    const total = 600
    let others = (await statisticsOf('linear'))['inference_count']!
    const stream = plain.stream()
    const ids = new Set<string>()
    // One message is read first: before its first read a client of grpc-js takes everything in.
    stream.once('data', ({ response }: ModelStreamInferResponse) => {
      stream.pause()
      ids.add(response!.id)
    })
    for (let i = 0; i < total; i++) stream.write(linear(8, { id: String(i) })) // 64 kB of answer each, 38 MB together.
    stream.end()
    const streamed = async (): Promise<number> => ((await statisticsOf('linear'))['inference_count']! - others) / 8
    // It stands still when the worker finishes fifty later unary requests without finishing one more of the stream's.
    const standsStill = async (): Promise<boolean> => {
      const before = await streamed()
      for (let i = 0; i < 50; i++, others += 8) await plain.infer(linear(8))
      return (await streamed()) === before
    }
    await waitUntil('the first answer', () => ids.size === 1)
    await waitUntil('the stream to stand still', standsStill)
    expect(await streamed()).toBeLessThan(total / 2) // Most of it waits for a reader.
    stream.on('data', ({ response }: ModelStreamInferResponse) => ids.add(response!.id))
    stream.resume()
    await once(stream, 'end')
    expect(ids.size).toBe(total)
  })

  it('an abandoned request leaves the queue unrun', async () => {
    const slow = (): ModelInferRequest => linear(1, { modelName: 'slow' })
    const first = plain.infer(slow())
    const methods = plain.client as unknown as {
      ModelInfer(request: object, done: (error: ServiceError | null) => void): { cancel(): void }
    }
    const codes: (number | undefined)[] = []
    const calls = Array.from({ length: 5 }, () => methods.ModelInfer(slow(), (error) => codes.push(error?.code)))
    const pending = async (): Promise<string> =>
      /pending_request_count\{model="slow",version="1"\} (\d+)/.exec(await (await http('/metrics')).text())![1]!
    await waitUntil('five to wait behind the first', async () => (await pending()) === '5')
    for (const call of calls) call.cancel()
    await waitUntil('the queue to be empty', async () => (await pending()) === '0')
    await first
    expect((await statisticsOf('slow'))['execution_count']).toBe(1)
    expect(codes).toEqual(Array(5).fill(status.CANCELLED))
  })

  it('a model that wants a GPU gets it, or runs on the CPU and says why', async () => {
    const { config } = (await plain.call('ModelConfig', { name: 'gpu' })) as {
      config: { parameters: Record<string, { string_value: string }> }
    }
    const provider = config.parameters['execution_provider']!.string_value
    const reason = config.parameters['execution_provider_reason']?.string_value ?? ''
    expect([provider, reason === '']).toEqual(provider === 'cuda' ? ['cuda', true] : ['cpu', false])
    await plain.infer(linear(1, { modelName: 'gpu' }))
  })

  it('load parameters that are not served are UNIMPLEMENTED, not ignored', async () => {
    const request = { model_name: 'linear', parameters: { config: { string_param: '{}' } } }
    await expect(plain.call('RepositoryModelLoad', request)).rejects.toMatchObject({ code: status.UNIMPLEMENTED })
  })

  it('tells health watchers when it becomes ready and when it drains', async () => {
    const draining = await startInferenceServer({ repository })
    const Health = makeGenericClientConstructor(healthService, 'Health')
    const health = new Health(draining.address, credentials.createInsecure())
    const watch = (health as unknown as { watch(request: object): ClientDuplexStream<object, { status: string }> }).watch({
      service: '',
    })
    const seen: string[] = []
    watch.on('data', (message) => seen.push(message.status))
    watch.on('error', () => {})
    await waitUntil('the watcher to hear of readiness', () => seen.at(-1) === 'SERVING')
    await draining.close()
    expect(seen.at(-1)).toBe('NOT_SERVING')
    health.close()
  })
})
