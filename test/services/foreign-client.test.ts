import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type InferenceServer, startInferenceServer } from '../../gpu-workers/inference-server.ts'
import { gatherModel, linearModel, publish, slowModel } from '../gpu-workers/onnx-fixture.ts'
import { servicesAreRequired } from './require-service.ts'

// The worker in the hands of clients that share no line with it: grpcio with stubs made from our proto, and Triton's own client.

const run = promisify(execFile)
const protos = fileURLToPath(new URL('../../schemas', import.meta.url))

/** The checks of a program, so that one that silently vanished is a failure too. */
const programs = {
  'foreign-client.py': {
    needs: 'import grpc_tools.protoc',
    checks: `fp32 int64 typed_contents output_subset gzip twenty_async unknown_parameters stream_with_in_band_error large_message
      wrong_shape wrong_bytes wrong_type raw_and_contents too_few_raw broken_bytes not_found unavailable resource_exhausted
      deadline_exceeded shared_memory_is_unimplemented health_service metadata statistics load_and_unload`.split(/\s+/),
  },
  'triton-client.py': { needs: 'import tritonclient.grpc', checks: ['health_and_metadata', 'infer', 'stream', 'error_status'] },
} as const

for (const [program, { needs, checks }] of Object.entries(programs)) {
  const found = await findPython(needs)
  // Triton's client is welcome, not required: it is a second witness of the same protocol.
  if ('missing' in found && servicesAreRequired() && program === 'foreign-client.py') throw new Error(found.missing)
  const suite = 'missing' in found ? describe.skip : describe
  suite(`the inference worker and ${program}${'missing' in found ? ` (skipped: ${found.missing})` : ''}`, () => {
    let folder: string
    let server: InferenceServer
    const errors = new Map<string, string | null>()

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-foreign-'))
      await publishAll(folder)
      server = await startInferenceServer({ repository: folder })
      await server.loaded
      const script = fileURLToPath(new URL(program, import.meta.url))
      const stubs = await mkdtemp(join(tmpdir(), 'millrace-stubs-'))
      const args = [script, server.address, protos, stubs]
      const { stdout } = await run('python' in found ? found.python : '', args, {
        timeout: 90_000,
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      })
      await rm(stubs, { recursive: true })
      for (const line of stdout.trim().split('\n')) {
        const { check, error } = JSON.parse(line) as { check: string; error: string | null }
        errors.set(check, error)
      }
    })
    afterAll(async () => {
      await server?.close()
      if (folder) await rm(folder, { recursive: true, force: true })
    })

    it.each(checks)('%s', (check) => {
      expect(errors.get(check) === undefined ? 'the check did not run' : errors.get(check)).toBeNull()
    })

    it('runs no check that is not listed here', () => {
      expect([...errors.keys()].toSorted()).toEqual([...checks].toSorted())
    })
  })
}

/** A Python that has a module: MILLRACE_TEST_PYTHON (a program or a virtual environment), else .millrace/python. */
async function findPython(needs: string): Promise<{ python: string } | { missing: string }> {
  const named = process.env['MILLRACE_TEST_PYTHON'] ?? fileURLToPath(new URL('../../.millrace/python', import.meta.url))
  const python = existsSync(named) && statSync(named).isDirectory() ? join(named, 'bin', 'python') : named
  const hint = 'set MILLRACE_TEST_PYTHON to a Python that has grpcio-tools, or make a virtual environment in .millrace/python'
  if (!existsSync(python)) return { missing: `no Python found; ${hint}` }
  try {
    await run(python, ['-c', needs], { timeout: 30_000 })
    return { python }
  } catch {
    return { missing: `"${needs}" fails there; ${hint}` }
  }
}

async function publishAll(repository: string): Promise<void> {
  const batched = 'max_batch_size: 64 dynamic_batching {}'
  const linear = linearModel(
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    [0.5, -0.5],
  )
  const gather = gatherModel([
    [1, 2],
    [3, 4],
  ])
  await publish(repository, 'linear', 1, linear, batched)
  await publish(repository, 'spare', 1, linear, batched)
  await publish(repository, 'gather', 1, gather, batched)
  await publish(repository, 'broken', 1, gather, 'max_batch: 64')
  await publish(
    repository,
    'slow',
    1,
    slowModel(256, 300),
    'max_batch_size: 1 dynamic_batching { default_queue_policy { max_queue_size: 2 } }',
  )
}
