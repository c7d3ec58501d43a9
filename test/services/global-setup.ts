import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceKind } from '../../cli/services/service.ts'
import { startService } from '../../cli/services/services.ts'
import { servicesAreRequired, serviceVariable } from './require-service.ts'

/** Inference workers are started by the tests that need one: they differ in models and options. */
const kinds: readonly ServiceKind[] = ['kafka', 'registry', 'redis', 'redis-cluster']
const stops: (() => Promise<void>)[] = []

/**
 * Brings up Kafka, the registry, Redis and a Redis Cluster once for the whole test run and tells the tests where they are
 * (MILLRACE_TEST_KAFKA and so on). A variable that is set already names a service to use as it is. What cannot come up is told in
 * MILLRACE_TEST_…_MISSING, and is an error where MILLRACE_REQUIRE_SERVICES=1.
 */
export async function setup(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-services-'))
  stops.push(async () => rmSync(dir, { recursive: true, force: true }))
  const outcomes = await Promise.allSettled(kinds.map((kind) => bringUp(kind, dir)))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (!failed) return
  await teardown()
  throw failed.reason
}

/** Stops what `setup` started. */
export async function teardown(): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop()
}

async function bringUp(kind: ServiceKind, dir: string): Promise<void> {
  const variable = serviceVariable(kind)
  if (process.env[variable]) return
  try {
    const service = await startService(kind, { dir, log: (line) => process.stderr.write(`[services] ${line}\n`) })
    stops.push(async () => {
      await Promise.all(service.processes.map((each) => each.stop()))
    })
    process.env[variable] = service.address
  } catch (error) {
    if (servicesAreRequired()) throw error
    const reason = error instanceof Error ? error.message : String(error)
    process.env[`${variable}_MISSING`] = reason
    process.stderr.write(`[services] ${kind} is missing: ${reason}\n`)
  }
}
