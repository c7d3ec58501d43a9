import { join } from 'node:path'
import { findProgram } from './find-program.ts'
import { registryApiPath } from './registry-service.ts'
import { runCommand } from './run-command.ts'
import type { ServiceKind } from './service.ts'
import type { StartedService } from './services-state.ts'

const upTimeoutMs = 600_000
const downTimeoutMs = 120_000
const root = join(import.meta.dirname, '..', '..')

/** Where docker-compose.yml publishes each service; a cluster is not part of it. */
const addresses: Readonly<Partial<Record<ServiceKind, string>>> = {
  kafka: '127.0.0.1:9092',
  registry: `http://127.0.0.1:8081${registryApiPath}`,
  redis: 'redis://127.0.0.1:6379',
  inference: '127.0.0.1:8001',
}

/** True where a container engine answers and knows `compose`. */
export async function composeAnswers(): Promise<boolean> {
  if (!findProgram('docker')) return false
  try {
    await runCommand('docker', ['info'], { timeoutMs: 10_000 })
    await runCommand('docker', ['compose', 'version'], { timeoutMs: 10_000 })
    return true
  } catch {
    return false
  }
}

/** Brings up services of docker-compose.yml and waits until they are healthy. Errors: `MILL_SERVICE_START`. */
export async function composeUp(kinds: readonly ServiceKind[], log: (line: string) => void): Promise<StartedService[]> {
  const known = kinds.filter((kind) => addresses[kind] !== undefined)
  for (const kind of kinds)
    if (!known.includes(kind)) log(`${kind} is not part of docker-compose.yml: use the native engine for it`)
  if (known.length === 0) return []
  await compose(['up', '--detach', '--wait', ...known], upTimeoutMs)
  return known.map((kind) => ({ kind, address: addresses[kind]!, processes: [] }))
}

/** Stops and removes the containers of these services; their volumes stay. */
export async function composeDown(kinds: readonly ServiceKind[]): Promise<void> {
  if (kinds.length > 0) await compose(['rm', '--stop', '--force', ...kinds], downTimeoutMs)
}

async function compose(args: readonly string[], timeoutMs: number): Promise<void> {
  await runCommand('docker', ['compose', '--file', join(root, 'docker-compose.yml'), ...args], { timeoutMs, cwd: root })
}
