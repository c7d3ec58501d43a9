import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'

/** Opens the ports, does the work, and closes them whatever happened. */
export async function withPorts<T>(config: Config, work: (ports: OpenPorts) => Promise<T>): Promise<T> {
  const { openPorts } = await import('./compose.ts')
  const ports = await openPorts(config)
  try {
    return await work(ports)
  } finally {
    await ports.close()
  }
}
