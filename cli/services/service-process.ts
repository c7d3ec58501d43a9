import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { pidStart, stopPid } from './pid.ts'

const probeEveryMs = 100
const logLinesShown = 15

/** What to run as a service, and how to tell that it is ready. */
export interface ServiceCommand {
  /** Shown in messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  /** Takes stdout and stderr. */
  readonly logFile: string
  /** Outlives this process (`services up`); otherwise it is killed when this process ends, however that happens. */
  readonly detached: boolean
  /** Answers true once the service serves; a throw means "not yet". */
  readonly ready: () => Promise<boolean>
  readonly timeoutMs: number
}

/** A started service process. */
export interface ServiceProcess {
  readonly name: string
  readonly pid: number
  /** When the process started, as the system tells it: guards against a reused pid. */
  readonly pidStart: string
  readonly logFile: string
  /** Asks it to stop (SIGTERM), kills it after 15 s. */
  stop(): Promise<void>
}

/**
 * Starts a program and waits until it is ready.
 * Errors: `MILL_SERVICE_START` with its last log lines when it ends early or is not ready within `timeoutMs`.
 */
export async function startProcess(service: ServiceCommand): Promise<ServiceProcess> {
  mkdirSync(dirname(service.logFile), { recursive: true })
  const log = openSync(service.logFile, 'a')
  const child = spawn(service.command, [...service.args], {
    cwd: service.cwd,
    detached: service.detached,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended: string | null = null
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended = `it ended with ${signal ?? `code ${code}`}`
  })
  const pid = child.pid
  const guard = service.detached || pid === undefined ? null : killWithParent(pid)
  const deadlineMs = Date.now() + service.timeoutMs
  while (!(await isReady(service, deadlineMs))) {
    if (ended === null && Date.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, probeEveryMs))
      continue
    }
    if (pid !== undefined && ended === null) child.kill('SIGKILL')
    guard?.kill('SIGKILL')
    throw startError(service, ended ?? `it was not ready within ${service.timeoutMs} ms`)
  }
  if (pid === undefined || ended !== null) throw startError(service, ended ?? 'it has no process id')
  if (service.detached) child.unref()
  const started = pidStart(pid) ?? ''
  return {
    name: service.name,
    pid,
    pidStart: started,
    logFile: service.logFile,
    async stop() {
      await stopPid(pid, started)
      guard?.kill('SIGKILL')
    },
  }
}

async function isReady(service: ServiceCommand, deadlineMs: number): Promise<boolean> {
  const leftMs = Math.max(1, Math.min(5_000, deadlineMs - Date.now()))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), leftMs)
  })
  try {
    return await Promise.race([service.ready().catch(() => false), late])
  } finally {
    clearTimeout(timer)
  }
}

/** A shell that waits for the end of its input, which comes when this process dies, even by SIGKILL, and then ends the service. */
function killWithParent(pid: number): ChildProcess {
  const guard = spawn('sh', ['-c', `read -r _; kill -9 ${pid}`], { stdio: ['pipe', 'ignore', 'ignore'] })
  guard.on('error', () => {}) // Without a shell the service merely outlives a killed test run.
  guard.unref()
  if (guard.stdin && 'unref' in guard.stdin) (guard.stdin as Socket).unref()
  return guard
}

function startError(service: ServiceCommand, why: string): MillraceError {
  const log = existsSync(service.logFile) ? readFileSync(service.logFile, 'utf8') : ''
  // Of a Java stack only its messages say anything.
  const said = log.split('\n').filter((line) => line.trim() !== '' && !/^\s+(at |\.\.\. )/.test(line))
  const tail = said.length > 0 ? `; its last log lines (${service.logFile}):\n${said.slice(-logLinesShown).join('\n')}` : ''
  return new MillraceError('MILL_SERVICE_START', `${service.name} did not start: ${why}${tail}`, {
    details: { service: service.name, logFile: service.logFile },
  })
}
