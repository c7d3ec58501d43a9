import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GrpcInference } from '../../connectors/grpc/inference.ts'
import { inferenceService } from '../../gpu-workers/grpc-service.ts'
import { startInferenceServer } from '../../gpu-workers/inference-server.ts'
import type { InferRequest } from '../../ports/inference.ts'
import { noParameters } from '../../schemas/inference-messages.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { linearModel, publish, slowModel } from '../gpu-workers/onnx-fixture.ts'
import { WorkerProcess } from '../gpu-workers/worker-process.ts'

let repository: string
beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'millrace-pool-'))
  await publish(
    repository,
    'linear',
    1,
    linearModel([[1]], [0]),
    'max_batch_size: 8 dynamic_batching {} instance_group [{ count: 2 }]',
  )
  await publish(repository, 'slow', 1, slowModel(128, 60), 'max_batch_size: 1 dynamic_batching {}')
  await publish(repository, 'broken', 1, linearModel([[1]], [0]), 'max_batch: 8')
})
afterAll(() => rm(repository, { recursive: true, force: true }))

const request = (change: Partial<InferRequest> = {}): InferRequest => ({
  model: 'linear',
  version: '',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(7) }],
  outputs: ['y'],
  deadlineMs: 10_000,
  ...change,
})

describe('GrpcInference with workers that come and go', () => {
  it('a killed worker is MILL_INFERENCE_UNAVAILABLE at once, and comes back by itself', async () => {
    const worker = await WorkerProcess.start(repository)
    const inference = await GrpcInference.connect({ addresses: [worker.ready.address] })
    const inFlight = inference.infer(request({ model: 'slow' })).then(
      () => 'answered before',
      (error) => error.code,
    )
    await inference.infer(request())
    worker.child.kill('SIGKILL')
    await worker.exited
    expect(['answered before', 'MILL_INFERENCE_UNAVAILABLE']).toContain(await inFlight)
    for (let i = 0; i < 20; i++)
      await expect(inference.infer(request())).rejects.toMatchObject({ code: 'MILL_INFERENCE_UNAVAILABLE' })
    expect(await inference.models()).toEqual([])
    const again = await WorkerProcess.start(repository, worker.ready.port)
    await waitUntil('the worker to be taken in again', () =>
      inference.infer(request()).then(
        () => true,
        () => false,
      ),
    )
    expect(inference.capacity).toBe(4)
    await inference.close()
    again.child.stdin!.end()
    await again.exited
  })

  it('of two workers one dies under load: no request fails', async () => {
    const workers = await Promise.all([WorkerProcess.start(repository), WorkerProcess.start(repository)])
    const inference = await GrpcInference.connect({ addresses: workers.map((worker) => worker.ready.address) })
    expect(inference.capacity).toBe(8)
    let answered = 0
    let stop = false
    const callers = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const { outputs } = await inference.infer(request())
        expect([...outputs[0]!.data]).toEqual([7])
        answered += 1
      }
    })
    await waitUntil('the load to flow', () => answered > 200)
    workers[0]!.child.kill('SIGKILL')
    await workers[0]!.exited
    const before = answered
    await waitUntil('the load to flow on', () => answered > before + 200)
    stop = true
    await Promise.all(callers)
    expect(inference.capacity).toBe(4)
    await inference.close()
    workers[1]!.child.stdin!.end()
    await workers[1]!.exited
  })

  it('a worker that starts later is taken in, and one that drains is left out', async () => {
    const first = await startInferenceServer({ repository })
    const { port, address } = first
    await first.loaded
    await first.close()
    const inference = await GrpcInference.connect({ addresses: [address] })
    expect(inference.capacity).toBe(1)
    await expect(inference.infer(request())).rejects.toMatchObject({ code: 'MILL_INFERENCE_UNAVAILABLE' })
    const second = await startInferenceServer({ repository, port })
    await waitUntil('the worker to be taken in', () => inference.capacity === 4)
    await inference.infer(request())
    await second.close()
    await expect(inference.infer(request())).rejects.toMatchObject({ code: 'MILL_INFERENCE_UNAVAILABLE' })
    await inference.close()
    await expect(inference.infer(request())).rejects.toMatchObject({ code: 'MILL_INFERENCE_UNAVAILABLE' })
  })

  it('a model that is not served does not put its worker out of use', async () => {
    const server = await startInferenceServer({ repository })
    await server.loaded
    const inference = await GrpcInference.connect({ addresses: [server.address] })
    for (let i = 0; i < 5; i++) {
      await expect(inference.infer(request({ model: 'broken' }))).rejects.toMatchObject({ code: 'MILL_INFERENCE_UNAVAILABLE' })
      await inference.infer(request())
    }
    await inference.close()
    await server.close()
  })
})

describe('GrpcInference and messages', () => {
  it('refuses a request above the cap before sending it', async () => {
    const server = await startInferenceServer({ repository })
    await server.loaded
    const inference = await GrpcInference.connect({ addresses: [server.address], messageBytesMax: 1_000 })
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [300, 1], data: new Float32Array(300) }] as const
    await expect(inference.infer(request({ inputs }))).rejects.toMatchObject({
      code: 'MILL_INFERENCE_INVALID',
      message: expect.stringContaining('1000'),
    })
    await inference.close()
    await server.close()
  })

  it.each([
    ['a missing output', { outputs: [], rawContents: [] }, /"y" is missing/],
    ['no raw contents', { outputs: [output([1, 1])], rawContents: [] }, /no raw contents/],
    ['bytes that do not fill the shape', { outputs: [output([2, 1])], rawContents: [new Uint8Array(4)] }, /4 bytes/],
    [
      'a datatype that is not used',
      { outputs: [{ ...output([1, 1]), datatype: 'FP16' }], rawContents: [new Uint8Array(2)] },
      /FP16/,
    ],
  ])('a server that answers %s is MILL_INFERENCE_INVALID', async (_, answer, message) => {
    const server = new Server()
    server.addService(inferenceService(), {
      ServerReady: (_call: unknown, callback: (error: null, value: object) => void) => callback(null, { ready: true }),
      RepositoryIndex: (_call: unknown, callback: (error: null, value: object) => void) => callback(null, { models: [] }),
      ModelInfer: (_call: unknown, callback: (error: null, value: object) => void) =>
        callback(null, { modelName: 'linear', modelVersion: '1', id: '', parameters: noParameters, ...answer }),
    })
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      )
    })
    const inference = await GrpcInference.connect({ addresses: [`127.0.0.1:${port}`] })
    await expect(inference.infer(request())).rejects.toMatchObject({
      code: 'MILL_INFERENCE_INVALID',
      message: expect.stringMatching(message),
    })
    await inference.close()
    server.forceShutdown()
  })

  it('no address is a mistake in the configuration', async () => {
    await expect(GrpcInference.connect({ addresses: [] })).rejects.toMatchObject({ code: 'MILL_CONFIG_INVALID' })
  })
})

function output(shape: readonly number[]) {
  return { name: 'y', datatype: 'FP32', shape, parameters: noParameters, contents: null }
}
