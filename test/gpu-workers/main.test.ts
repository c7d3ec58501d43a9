import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { GrpcInference } from '../../connectors/grpc/inference.ts'
import type { InferRequest } from '../../ports/inference.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { publish, slowModel } from './onnx-fixture.ts'
import { WorkerProcess } from './worker-process.ts'

let repository: string
beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'millrace-main-'))
  await publish(repository, 'slow', 1, slowModel(128, 20), 'max_batch_size: 4 dynamic_batching {} instance_group [{ count: 2 }]')
})
afterAll(() => rm(repository, { recursive: true, force: true }))

const request = (): InferRequest => ({
  model: 'slow',
  version: '',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(1) }],
  outputs: [],
  deadlineMs: 20_000,
})

it('SIGTERM under load: every accepted request is answered, then exit 0', async () => {
  const worker = await WorkerProcess.start(repository)
  const inference = await GrpcInference.connect({ addresses: [worker.ready.address] })
  let answered = 0
  let stopped = false
  const failures: string[] = []
  const callers = Array.from({ length: 16 }, async () => {
    while (!stopped) {
      await inference.infer(request()).then(
        () => {
          answered += 1
        },
        (error) => {
          failures.push(error.code)
          stopped = true
        },
      )
    }
  })
  await waitUntil('the load to flow', () => answered > 50)
  worker.child.kill('SIGTERM')
  expect(await worker.exited).toEqual({ code: 0, signal: null })
  await Promise.all(callers)
  await inference.close()
  expect(worker.answered).toBe(answered) // What the worker ran, its callers got.
  expect(new Set(failures)).toEqual(new Set(['MILL_INFERENCE_UNAVAILABLE']))
})

it('a wrong flag is exit 2 and named', async () => {
  const cases: [string[], string][] = [
    [[], '--repository is missing'],
    [['--repository', 'x', '--port', 'http'], '--port must be a whole number'],
    [['--repository', 'x', '--provider', 'tpu'], '--provider must be cpu or cuda'],
    [['--repositories', 'x'], "Unknown option '--repositories'"],
  ]
  const workers = cases.map(([args]) => new WorkerProcess(...args))
  for (const [i, worker] of workers.entries()) {
    expect(await worker.exited).toEqual({ code: 2, signal: null })
    expect(worker.stderr).toContain(cases[i]![1])
    expect(worker.stdout).toBe('')
  }
})

it('a taken port is exit 2 and named; a worker ends with whoever started it', async () => {
  const first = await WorkerProcess.start(repository)
  const second = new WorkerProcess('--repository', repository, '--port', String(first.ready.port), '--http-port', '0')
  expect(await second.exited).toEqual({ code: 2, signal: null })
  expect(second.stderr).toContain(String(first.ready.port))
  first.child.stdin!.end()
  expect(await first.exited).toEqual({ code: 0, signal: null })
})
