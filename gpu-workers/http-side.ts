import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { metricsText } from './metrics-text.ts'
import type { ModelRepository } from './model-repository.ts'

const LAG_RESOLUTION_MS = 5

type LagHistogram = ReturnType<typeof monitorEventLoopDelay>

/** The worker's small HTTP side: `/metrics`, `/v2/health/live` and `/v2/health/ready`. */
export class HttpSide {
  readonly port: number
  readonly #server: Server
  readonly #lag: LagHistogram

  private constructor(server: Server, lag: LagHistogram) {
    this.#server = server
    this.#lag = lag
    this.port = (server.address() as AddressInfo).port
  }

  /** Listens; port 0 takes a free one. Errors: the system's, e.g. EADDRINUSE. */
  static async listen(repository: ModelRepository, options: { host: string; port: number; ready(): boolean }): Promise<HttpSide> {
    const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
    lag.enable()
    const server = createServer((request, response) => {
      const path = request.url?.split('?')[0]
      if (path === '/metrics') {
        const lagMs = Math.max(0, lag.percentile(99) / 1e6 - LAG_RESOLUTION_MS)
        lag.reset()
        response.setHeader('content-type', 'text/plain; version=0.0.4')
        response.end(metricsText(repository.served(), Math.round(lagMs * 1000) / 1000))
        return
      }
      const known = path === '/v2/health/live' || path === '/v2/health/ready'
      response.statusCode = !known ? 404 : path === '/v2/health/live' || options.ready() ? 200 : 503
      response.end()
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, options.host, resolve)
    })
    return new HttpSide(server, lag)
  }

  async close(): Promise<void> {
    this.#lag.disable()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}
