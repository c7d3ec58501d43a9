import { createServer } from 'node:net'
import { MillraceError } from '../../core/errors.ts'

/**
 * Answers a TCP port on 127.0.0.1 that is free now: `wanted` itself, or any free one when `wanted` is 0.
 * Errors: `MILL_SERVICE_START` when the wanted port is taken.
 */
export async function freePort(wanted: number, what: string): Promise<number> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(wanted, '127.0.0.1', () => resolve())
    })
  } catch (cause) {
    throw new MillraceError(
      'MILL_SERVICE_START',
      `${what}: port ${wanted} is taken by another process; stop that process or choose another port`,
      { cause, details: { port: wanted, service: what } },
    )
  }
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address ? address.port : wanted
}
