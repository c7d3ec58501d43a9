import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { findJava } from './java.ts'
import { registryApplication } from './maven-artifacts.ts'
import type { Service, ServiceOptions } from './service.ts'
import { startProcess } from './service-process.ts'

const startTimeoutMs = 120_000
const javaMajorMin = 21

/** Where the Confluent API of the registry lies below its address. */
export const registryApiPath = '/apis/ccompat/v7'

/**
 * Starts a schema registry (Apicurio, with Confluent's API) on 127.0.0.1; its schemas lie in a database file under `dir`, so ids
 * survive a restart like the records that name them.
 * Errors: `MILL_SERVICE_START` with the reason and the last log lines.
 */
export async function startRegistry(options: ServiceOptions): Promise<Service> {
  const { dir, cacheDir, detached, log } = options
  const [java, folder] = await Promise.all([findJava(javaMajorMin, cacheDir, log), registryApplication(cacheDir, log)])
  const port = await freePort(options.port ?? 0, 'registry')
  const managementPort = await freePort(0, 'registry management') // Its default is 9000, for every registry of the machine.
  mkdirSync(dir, { recursive: true })
  const address = `http://127.0.0.1:${port}${registryApiPath}`
  const service = await startProcess({
    name: 'registry',
    command: java,
    args: [
      '-Xms64m',
      '-Xmx384m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${port}`,
      '-Dquarkus.management.host=127.0.0.1',
      `-Dquarkus.management.port=${managementPort}`,
      '-Dquarkus.log.level=WARN',
      // Written at once: an id that was given out is known after a kill, too.
      `-Dapicurio.datasource.url=jdbc:h2:file:${join(dir, 'registry')};WRITE_DELAY=0`,
      '-jar',
      join(folder, 'quarkus-run.jar'),
    ],
    cwd: folder,
    logFile: join(dir, 'registry.log'),
    detached,
    ready: () => registryAnswers(address),
    timeoutMs: startTimeoutMs,
  })
  return { kind: 'registry', address, processes: [service] }
}

/** True when a registry answers under that base URL. */
export async function registryAnswers(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/subjects`, { signal: AbortSignal.timeout(3_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
