import { MillraceError } from '../core/errors.ts'
import type { TopologyStatus } from '../ports/engine-control.ts'
import type { Config } from './config.ts'

const timeoutMs = 60_000

/** What the admin side answers about all topologies. */
export interface EngineStatus {
  readonly ready: boolean
  readonly topologies: readonly TopologyStatus[]
}

/** Talks to a running engine over its admin side. Errors: `MILL_LOG_UNAVAILABLE` when none answers, else what it answered. */
export class AdminClient {
  readonly #url: string

  /** `address` is `host:port`, or the configuration's. */
  constructor(config: Config, address: string | undefined) {
    this.#url = `http://${address ?? `${config.admin.host}:${config.admin.port}`}`
  }

  status(): Promise<EngineStatus> {
    return this.#ask('GET', '/admin/topologies') as Promise<EngineStatus>
  }

  act(topology: string, action: 'pause' | 'resume' | 'drain'): Promise<TopologyStatus> {
    return this.#ask('POST', `/admin/topologies/${encodeURIComponent(topology)}/${action}`) as Promise<TopologyStatus>
  }

  async #ask(method: string, path: string): Promise<unknown> {
    let response: Response
    try {
      response = await fetch(this.#url + path, { method, signal: AbortSignal.timeout(timeoutMs) })
    } catch (cause) {
      throw new MillraceError(
        'MILL_LOG_UNAVAILABLE',
        `no engine answers at ${this.#url}; start one, or name it with --address host:port`,
        {
          cause,
        },
      )
    }
    const body = (await response.json().catch(() => ({}))) as { error?: { code?: string; message?: string } }
    if (response.ok) return body
    const message = body.error?.message ?? `${this.#url}${path} answered ${response.status}`
    throw new MillraceError(
      response.status === 404 ? 'MILL_NOT_FOUND' : response.status < 500 ? 'MILL_USAGE' : 'MILL_LOG_UNAVAILABLE',
      message,
    )
  }
}
