import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const stopTimeoutMs = 15_000

/** When a process started, in the system's own words, or null if it does not run (a zombie counts as not running). */
export function pidStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Of a killed process the first thread ends early; its ports are free only when the others are gone too.
    const ended = fields[0] === 'Z' && Number(fields[17]) <= 1
    return ended ? null : (fields[19] ?? null)
  } catch {
    if (process.platform === 'linux') return null
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null
  } catch {
    return null
  }
}

/** True while the very process that had `pid` and `start` runs; a reused pid answers false. */
export function pidRuns(pid: number, start: string): boolean {
  return pidStart(pid) === start
}

/** Ends exactly that process: SIGTERM, then SIGKILL after 15 s. Resolves when it is gone. */
export async function stopPid(pid: number, start: string): Promise<void> {
  const startedMs = Date.now()
  let killed = false
  signal(pid, start, 'SIGTERM')
  while (pidRuns(pid, start)) {
    const waitedMs = Date.now() - startedMs
    if (!killed && waitedMs > stopTimeoutMs) {
      signal(pid, start, 'SIGKILL')
      killed = true
    }
    if (waitedMs > 2 * stopTimeoutMs) return // Unkillable (kernel state): nothing more can be done from here.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function signal(pid: number, start: string, name: NodeJS.Signals): void {
  if (!pidRuns(pid, start)) return
  try {
    process.kill(pid, name)
  } catch {
    // Gone between the look and the signal.
  }
}
