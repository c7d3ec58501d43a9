import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { composeAnswers, composeDown, composeUp } from './compose-engine.ts'
import { pidRuns, stopPid } from './pid.ts'
import { probeService } from './probe-service.ts'
import type { ServiceKind } from './service.ts'
import { projectRoot, startServices } from './services.ts'
import { readServicesState, type ServicesState, type StartedService, writeServicesState } from './services-state.ts'

/** What `config/distributed.json` expects. */
export const defaultKinds: readonly ServiceKind[] = ['kafka', 'registry', 'redis', 'inference']

/** Ports of `config/distributed.json`; a cluster's port is the first of three. */
export const defaultPorts: Readonly<Record<ServiceKind, number>> = {
  kafka: 9092,
  registry: 8081,
  redis: 6379,
  'redis-cluster': 7000,
  inference: 8001,
}

export interface ServicesUpOptions {
  /** What to bring up; Kafka, registry, Redis and one inference worker by default. */
  readonly kinds?: readonly ServiceKind[]
  /** Data, logs and the state file; `.millrace/services` in the project by default. */
  readonly dir?: string
  readonly ports?: Readonly<Partial<Record<ServiceKind, number>>>
  /** `auto`, the default, takes containers where an engine answers, else starts the processes itself. */
  readonly engine?: 'auto' | 'native' | 'compose'
  /** Takes one line per step worth telling. */
  readonly log: (line: string) => void
}

/** One service as it is now. */
export interface ServiceStatus {
  readonly kind: ServiceKind
  readonly address: string
  /** All its processes run (natively started ones only; with containers the answer is `answers`). */
  readonly running: boolean
  /** It answers its own protocol. */
  readonly answers: boolean
  readonly pids: readonly number[]
  readonly logFiles: readonly string[]
}

export interface ServicesReport {
  readonly engine: 'native' | 'compose'
  readonly services: readonly ServiceStatus[]
}

/**
 * Brings up services that outlive this process, and answers all that run afterwards. What runs already is left as it is.
 * Errors: `MILL_SERVICE_START`; then nothing more runs than before.
 */
export async function servicesUp(options: ServicesUpOptions): Promise<ServicesReport> {
  const dir = options.dir ?? defaultDir()
  const kinds = options.kinds ?? defaultKinds
  const state = readServicesState(dir)
  const engine = await engineFor(options.engine ?? 'auto', state)
  options.log(
    engine === 'compose'
      ? 'a container engine answers: using docker compose'
      : 'no container engine: starting the processes here',
  )
  mkdirSync(dir, { recursive: true })
  const running = engine === state.engine ? state.services.filter(runs) : []
  const missing = kinds.filter((kind) => !running.some((service) => service.kind === kind))
  for (const { kind, address } of running) options.log(`${kind} runs already on ${address}`)
  const ports = { ...defaultPorts, ...options.ports }
  let started: readonly StartedService[]
  if (engine === 'compose') started = await composeUp(missing, options.log)
  else {
    const services =
      missing.length === 0 ? [] : (await startServices({ kinds: missing, dir, ports, detached: true, log: options.log })).services
    started = services.map(({ kind, address, processes }) => ({
      kind,
      address,
      processes: processes.map(({ name, pid, pidStart, logFile }) => ({ name, pid, pidStart, logFile })),
    }))
  }
  writeServicesState(dir, { engine, services: [...running, ...started] })
  return await servicesStatus({ dir })
}

/** Stops exactly what `servicesUp` started (or those kinds of it) and answers what was stopped. */
export async function servicesDown(options: Pick<ServicesUpOptions, 'dir' | 'kinds' | 'log'>): Promise<readonly ServiceKind[]> {
  const dir = options.dir ?? defaultDir()
  const state = readServicesState(dir)
  const chosen = state.services.filter(({ kind }) => options.kinds === undefined || options.kinds.includes(kind))
  if (state.engine === 'compose') await composeDown(chosen.map(({ kind }) => kind))
  else await Promise.all(chosen.flatMap(({ processes }) => processes.map(({ pid, pidStart }) => stopPid(pid, pidStart))))
  for (const { kind } of chosen) options.log(`${kind} is down`)
  writeServicesState(dir, { ...state, services: state.services.filter((service) => !chosen.includes(service)) })
  return chosen.map(({ kind }) => kind)
}

/** Looks at what `servicesUp` left running: processes and protocol. */
export async function servicesStatus(options: Pick<ServicesUpOptions, 'dir'> = {}): Promise<ServicesReport> {
  const { engine, services } = readServicesState(options.dir ?? defaultDir())
  const statuses = services.map(async (service): Promise<ServiceStatus> => {
    const { kind, address, processes } = service
    const answers = await probeService(kind, address)
    return {
      kind,
      address,
      running: engine === 'compose' ? answers : runs(service),
      answers,
      pids: processes.map(({ pid }) => pid),
      logFiles: processes.map(({ logFile }) => logFile),
    }
  })
  return { engine, services: await Promise.all(statuses) }
}

function defaultDir(): string {
  return join(projectRoot, '.millrace', 'services')
}

function runs({ processes }: StartedService): boolean {
  return processes.every(({ pid, pidStart }) => pidRuns(pid, pidStart))
}

async function engineFor(wanted: 'auto' | 'native' | 'compose', state: ServicesState): Promise<'native' | 'compose'> {
  if (wanted !== 'auto') return wanted
  // What runs keeps its engine, or a second `up` would start everything twice.
  if (state.services.some(runs)) return state.engine
  return (await composeAnswers()) ? 'compose' : 'native'
}
