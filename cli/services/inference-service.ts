import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import type { Service, ServiceOptions } from './service.ts'
import { startProcess } from './service-process.ts'

const startTimeoutMs = 60_000
const root = join(import.meta.dirname, '..', '..')
/** A fixed gRPC port has its health and metrics beside it, as the worker's own defaults 8001 and 8002. */
const healthPortOf = (port: number) => port + 1

/**
 * Starts one inference worker (our own, on the project's model repository) on 127.0.0.1.
 * Errors: `MILL_SERVICE_START` with the reason and the last log lines.
 */
export async function startInference(options: ServiceOptions): Promise<Service> {
  const { dir, detached } = options
  const wanted = options.port ?? 0
  const port = await freePort(wanted, 'inference')
  const healthPort = await freePort(wanted === 0 ? 0 : healthPortOf(port), 'inference health')
  mkdirSync(dir, { recursive: true })
  const repository = join(root, 'models', 'repository')
  const flags = ['--repository', repository, '--port', String(port), '--http-port', String(healthPort)]
  const service = await startProcess({
    name: 'inference',
    command: process.execPath,
    args: [join(root, 'gpu-workers', 'main.ts'), ...flags],
    cwd: root,
    logFile: join(dir, 'inference.log'),
    detached,
    ready: () => inferenceAnswers(healthPort),
    timeoutMs: startTimeoutMs,
  })
  return { kind: 'inference', address: `127.0.0.1:${port}`, processes: [service] }
}

/** True when the worker whose health is told on that port has loaded its models. */
export async function inferenceAnswers(healthPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${healthPort}/v2/health/ready`, { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
