import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ServiceKind, serviceKinds } from './service.ts'

/** A service that `services up` left running. */
export interface StartedService {
  readonly kind: ServiceKind
  readonly address: string
  readonly processes: readonly {
    readonly name: string
    readonly pid: number
    readonly pidStart: string
    readonly logFile: string
  }[]
}

/** What `services up` left behind, and in whose hands: our own processes, or containers. */
export interface ServicesState {
  readonly engine: 'native' | 'compose'
  readonly services: readonly StartedService[]
}

/** Reads the state file under `dir`; what is missing or broken counts as nothing running. */
export function readServicesState(dir: string): ServicesState {
  try {
    const state = JSON.parse(readFileSync(fileOf(dir), 'utf8')) as ServicesState
    const services = state.services.filter(({ kind, processes }) => serviceKinds.includes(kind) && Array.isArray(processes))
    return { engine: state.engine === 'compose' ? 'compose' : 'native', services }
  } catch {
    return { engine: 'native', services: [] }
  }
}

/** Replaces the state file as one step; no services = no file. */
export function writeServicesState(dir: string, state: ServicesState): void {
  const file = fileOf(dir)
  if (state.services.length === 0) {
    rmSync(file, { force: true })
    return
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(`${file}.new`, file)
}

function fileOf(dir: string): string {
  return join(dir, 'state.json')
}
