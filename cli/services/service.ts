import type { ServiceProcess } from './service-process.ts'

/** The services that `millrace services` and the tests can bring up. */
export const serviceKinds = ['kafka', 'registry', 'redis', 'redis-cluster', 'inference'] as const

export type ServiceKind = (typeof serviceKinds)[number]

/** A service that serves: where to reach it, and its processes. */
export interface Service {
  readonly kind: ServiceKind
  /** `host:port` (Kafka, inference), a base URL (registry), `redis://host:port` (Redis), comma list of `host:port` (Redis Cluster). */
  readonly address: string
  readonly processes: readonly ServiceProcess[]
}

/** What every service needs to start. */
export interface ServiceOptions {
  /** Data and logs live here; a second start on the same folder finds the data again. */
  readonly dir: string
  /** Downloaded programs live here. */
  readonly cacheDir: string
  /** 0 or absent = any free port. */
  readonly port?: number
  /** Outlives this process. */
  readonly detached: boolean
  readonly log: (line: string) => void
}
