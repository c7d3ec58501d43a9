import cliProgress from 'cli-progress'
import type { ImportBatch, ImportFormat, ImportOptions, ImportReport } from '../connectors/files/import-format.ts'
import { partitionFor } from '../core/partition-for.ts'
import type { OutgoingRecord } from '../ports/event-log.ts'
import { Engine } from '../runtime/engine.ts'
import type { OpenPorts } from './compose.ts'

export interface ImportRunOptions {
  /** Times as fast as it happened; absent = as fast as the log takes it. */
  readonly speed: number | undefined
  /** Stops after the batch that reaches it. */
  readonly eventsMax: number | undefined
  /** Draws a progress bar on standard error. */
  readonly bar: boolean
}

/** What an import did. */
export interface ImportResult extends ImportReport {
  readonly format: string
  readonly seconds: number
  readonly eventsPerSecond: number
  /** Ctrl-C came first. */
  readonly stopped: boolean
}

/** Records sent at most at once when paced by event time. */
const pacedRecordsMax = 500

/** Feeds one data set into the log. */
export class ImportRun {
  readonly #ports: OpenPorts
  readonly #partitions: number
  readonly #options: ImportRunOptions
  #stopped = false
  #sent = 0
  /** Event time and clock of the first event, once there was one. */
  #start: { readonly eventMs: number; readonly clockMs: number } | undefined

  constructor(ports: OpenPorts, partitions: number, options: ImportRunOptions) {
    this.#ports = ports
    this.#partitions = partitions
    this.#options = options
  }

  /** Reads and sends everything, or until Ctrl-C. Errors: `MILL_IMPORT_INVALID`, `MILL_LOG_UNAVAILABLE`. */
  async read(format: ImportFormat, path: string, options: ImportOptions): Promise<ImportResult> {
    const stop = () => {
      this.#stopped = true
    }
    process.once('SIGINT', stop)
    const { clock, log } = this.#ports
    await Engine.ensureTopics(log, this.#partitions)
    const startedMs = clock.elapsedMs()
    const reading = format.read(
      path,
      this.#options.speed === undefined ? options : { ...options, batchRecordsMax: pacedRecordsMax },
    )
    const bar = this.#options.bar ? progressBar() : null
    try {
      for await (const batch of reading.batches) {
        await this.#send(batch)
        bar?.update(batch.bytesRead, batch.bytesTotal, this.#sent)
        if (this.#stopped || this.#sent >= (this.#options.eventsMax ?? Number.POSITIVE_INFINITY)) break
      }
    } finally {
      bar?.stop()
      process.removeListener('SIGINT', stop)
    }
    const seconds = (clock.elapsedMs() - startedMs) / 1000
    const report = { ...reading.report(), events: this.#sent }
    return {
      format: format.name,
      ...report,
      seconds,
      eventsPerSecond: Math.round(this.#sent / Math.max(seconds, 0.001)),
      stopped: this.#stopped,
    }
  }

  async #send(batch: ImportBatch): Promise<void> {
    const { wire, log } = this.#ports
    let records: OutgoingRecord[] = []
    for (const { topic, key, value } of batch.records) {
      if (topic === 'user-events') {
        this.#sent++
        const waitMs = this.#waitMs(value.timeMs)
        if (waitMs > 0) {
          if (records.length > 0) await log.send(records)
          records = []
          await this.#wait(waitMs)
        }
      }
      if (this.#stopped) break
      records.push({ topic, partition: partitionFor(key, this.#partitions), key, value: wire.encode(topic, value as never) })
    }
    if (records.length > 0) await log.send(records)
  }

  #waitMs(eventMs: number): number {
    const { speed } = this.#options
    if (speed === undefined) return 0
    const nowMs = this.#ports.clock.elapsedMs()
    this.#start ??= { eventMs, clockMs: nowMs }
    return (eventMs - this.#start.eventMs) / speed - (nowMs - this.#start.clockMs)
  }

  /** Waits in slices, so that Ctrl-C is heard during a long silence of the data. */
  async #wait(waitMs: number): Promise<void> {
    const { clock } = this.#ports
    const untilMs = clock.elapsedMs() + waitMs
    while (!this.#stopped && clock.elapsedMs() < untilMs)
      await new Promise<void>((resolve) => clock.after(Math.min(200, untilMs - clock.elapsedMs()), resolve))
  }
}

function progressBar() {
  const bar = new cliProgress.SingleBar(
    { format: '{bar} {percentage} %  {events} events  {rate}/s  {eta_formatted} left', stream: process.stderr, hideCursor: true },
    cliProgress.Presets.shades_classic,
  )
  const startedMs = Date.now()
  bar.start(1, 0, { events: 0, rate: 0 })
  return {
    update(bytesRead: number, bytesTotal: number, events: number) {
      bar.setTotal(bytesTotal)
      bar.update(bytesRead, { events, rate: Math.round((events / Math.max(1, Date.now() - startedMs)) * 1000) })
    },
    stop: () => bar.stop(),
  }
}
