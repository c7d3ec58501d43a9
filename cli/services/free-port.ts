import { createServer } from 'node:net'
import { MillraceError } from '../../core/errors.ts'

/** Below the range from which systems take the ports of outgoing connections: those come and go between a look and its use. */
const firstPort = 12_000
const portCount = 18_000
const triesMax = 50
/** Handed out by this process, and perhaps not bound yet. */
const handedOut = new Set<number>()

/**
 * Answers a TCP port on 127.0.0.1 that is free now: `wanted` itself, or any free one when `wanted` is 0.
 * Errors: `MILL_SERVICE_START` when the wanted port is taken.
 */
export async function freePort(wanted: number, what: string): Promise<number> {
  if (wanted !== 0) {
    if (await isFree(wanted)) return wanted
    throw new MillraceError(
      'MILL_SERVICE_START',
      `${what}: port ${wanted} is taken by another process; stop that process or choose another port`,
      { details: { port: wanted, service: what } },
    )
  }
  for (let tries = 0; tries < triesMax; tries++) {
    const port = firstPort + Math.floor(Math.random() * portCount)
    if (handedOut.has(port)) continue
    handedOut.add(port)
    if (await isFree(port)) return port
  }
  throw new MillraceError('MILL_SERVICE_START', `${what}: no free port found between ${firstPort} and ${firstPort + portCount}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (free) await new Promise<void>((resolve) => server.close(() => resolve()))
  return free
}
