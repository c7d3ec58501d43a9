import { partitionFor } from '../core/partition-for.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import type { Counter, Metrics } from '../ports/metrics.ts'
import type { Decision } from '../schemas/decision.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import { LogBuffer } from './log-buffer.ts'

/** What the decision log stands on. */
export interface DecisionLogOptions {
  readonly log: Pick<EventLog, 'send'>
  readonly wire: WireFormat
  /** Partition count of a topic. */
  readonly partitions: (topic: 'decisions') => number
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** Most decisions held while the log is slow; 10,000 by default. */
  readonly decisionsMax?: number
  /** How long a decision waits for others, ms, 0–1,000; 20 by default. */
  readonly lingerMs?: number
}

/** Milliseconds between tries while the log is away. */
const retryMs = 500

/**
 * Showings on their way to the topic `decisions`, keyed by person. The answer does not wait for the log; a log that is away is
 * tried again until the buffer is full, then showings are refused (`MILL_BUFFER_FULL`, HTTP 503): a list that is shown without
 * a decision would bias every estimate made later, so it is not shown. Only the crash of this process loses what it holds
 * (normally at most `lingerMs` of showings).
 */
export class DecisionLog {
  readonly #options: DecisionLogOptions
  readonly #buffer: LogBuffer
  readonly #lost: Counter

  constructor(options: DecisionLogOptions) {
    this.#options = options
    const { metrics, logger } = options
    this.#lost = metrics.counter('millrace_gateway_decisions_lost_total', 'Showings whose decision the log never took.')
    this.#buffer = new LogBuffer({
      log: options.log,
      clock: options.clock,
      name: 'decisions',
      recordsMax: options.decisionsMax ?? 10_000,
      lingerMs: options.lingerMs ?? 20,
      retryMs,
      onFailure: (error, records) => logger.warn({ error: String(error), records }, 'decisions could not be logged'),
    })
    metrics.gauge('millrace_gateway_decisions_held', 'Decisions that wait for the log.', () => [{ value: this.#buffer.held }])
  }

  /** Takes one decision. Errors, thrown at once: `MILL_BUFFER_FULL`, `MILL_SCHEMA_MISMATCH`. */
  add(decision: Decision): void {
    const { wire, partitions, logger } = this.#options
    const value = wire.encode('decisions', decision)
    const partition = partitionFor(decision.userId, partitions('decisions'))
    this.#buffer.append([{ topic: 'decisions', partition, key: decision.userId, value }]).catch((error: unknown) => {
      this.#lost.add(1)
      logger.error({ error: String(error), decisionId: decision.decisionId }, 'a decision was lost')
    })
  }

  /** Decisions not yet in the log. */
  get held(): number {
    return this.#buffer.held
  }

  /** Sends what is held now; what the log does not take stays held. */
  flush(): Promise<void> {
    return this.#buffer.flush()
  }

  /** Sends the rest. What the log does not take now is counted and told. */
  async close(): Promise<void> {
    const lost = await this.#buffer.close()
    if (lost === 0) return
    this.#lost.add(lost)
    this.#options.logger.error({ decisions: lost }, 'the log took no more decisions before the end')
  }
}
