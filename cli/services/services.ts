import { join } from 'node:path'
import { startInference } from './inference-service.ts'
import { startKafka } from './kafka-service.ts'
import { startRedisCluster } from './redis-cluster-service.ts'
import { startRedis } from './redis-service.ts'
import { startRegistry } from './registry-service.ts'
import type { Service, ServiceKind, ServiceOptions } from './service.ts'

const starters: Readonly<Record<ServiceKind, (options: ServiceOptions) => Promise<Service>>> = {
  kafka: startKafka,
  registry: startRegistry,
  redis: startRedis,
  'redis-cluster': startRedisCluster,
  inference: startInference,
}

/** Which services to start, and where their data and logs go. */
export interface StartServicesOptions {
  readonly kinds: readonly ServiceKind[]
  /** One folder per service is made below it. */
  readonly dir: string
  /** Fixed ports; 0 or absent = any free one. A cluster's port is the first of three. */
  readonly ports?: Readonly<Partial<Record<ServiceKind, number>>>
  /** Where downloaded programs are kept; the default is MILLRACE_CACHE or `.millrace/artifacts` in the project. */
  readonly cacheDir?: string
  /** The processes outlive this one (`millrace services up`); by default they end with it. */
  readonly detached?: boolean
  /** Takes one line per step worth telling. */
  readonly log: (line: string) => void
}

/** Services that serve. */
export interface RunningServices {
  readonly services: readonly Service[]
  /** Address by kind, see `Service.address`. */
  readonly addresses: Readonly<Partial<Record<ServiceKind, string>>>
  /** Stops exactly the processes started here. */
  stop(): Promise<void>
}

/** The project's folder. */
export const projectRoot: string = join(import.meta.dirname, '..', '..')

/** Where downloaded programs are kept: MILLRACE_CACHE, or `.millrace/artifacts` in the project. */
export function artifactsDir(): string {
  return process.env['MILLRACE_CACHE'] ?? join(projectRoot, '.millrace', 'artifacts')
}

/**
 * Starts real services natively, side by side, and resolves when all of them serve.
 * Errors: `MILL_SERVICE_START`; then those already started are stopped again.
 */
export async function startServices(options: StartServicesOptions): Promise<RunningServices> {
  const outcomes = await Promise.allSettled(options.kinds.map((kind) => startService(kind, options)))
  const services = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => {
    await Promise.all(services.flatMap(({ processes }) => processes.map((process) => process.stop())))
  }
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  return { services, addresses: Object.fromEntries(services.map(({ kind, address }) => [kind, address])), stop }
}

/** Starts one service, see `startServices`. */
export async function startService(kind: ServiceKind, options: Omit<StartServicesOptions, 'kinds'>): Promise<Service> {
  const { dir, ports, log } = options
  const startedMs = Date.now()
  const port = ports?.[kind]
  const service = await starters[kind]({
    dir: join(dir, kind),
    cacheDir: options.cacheDir ?? artifactsDir(),
    detached: options.detached ?? false,
    log,
    ...(port === undefined ? {} : { port }),
  })
  log(`${kind} serves on ${service.address} after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`)
  return service
}
