import type { LogBatch, LogRecord } from '../ports/event-log.ts'

/** What a queue tells when a topic must stop or may flow again. */
export interface TaskQueueEvents {
  pause(topic: string): void
  resume(topic: string): void
}

/** Records taken off a queue; `nextOffset` also crosses gaps. */
export interface Taken {
  readonly records: LogRecord[]
  readonly nextOffset: number
}

/**
 * Batches of a task that wait for their turn, per topic in log order. Bounded: at `recordsMax` records a topic is paused, below
 * half of it it flows again; what the log had in hand meanwhile (one more batch) is still taken. Of a `replacing` topic a record is
 * passed over when a newer one of its key waits: its positions are crossed, and the newer one speaks for both.
 */
export class TaskQueue {
  readonly #recordsMax: number
  readonly #events: TaskQueueEvents
  readonly #batches = new Map<string, LogBatch[]>()
  readonly #records = new Map<string, number>()
  readonly #paused = new Set<string>()
  /** How far each topic was delivered, and where it ended when the log last said. */
  readonly #delivered = new Map<string, { readonly next: number; readonly end: number }>()
  /** Per replacing topic: the newest offset that waits, by key. */
  readonly #newest: ReadonlyMap<string, Map<string, number>>

  constructor(recordsMax: number, events: TaskQueueEvents, replacing: readonly string[] = []) {
    this.#recordsMax = recordsMax
    this.#events = events
    this.#newest = new Map(replacing.map((topic) => [topic, new Map()]))
  }

  get empty(): boolean {
    return this.#batches.size === 0
  }

  /** Records between what was delivered and the log's end, plus what waits here. */
  get lag(): number {
    let lag = this.waiting
    for (const { next, end } of this.#delivered.values()) lag += Math.max(0, end - next)
    return lag
  }

  /** Records that wait here. */
  get waiting(): number {
    let waiting = 0
    for (const records of this.#records.values()) waiting += records
    return waiting
  }

  /** Whether a topic has nothing waiting, here or in the log. */
  caughtUp(topic: string): boolean {
    const { next, end } = this.#delivered.get(topic) ?? nothing
    return !this.#batches.has(topic) && next >= end
  }

  /** From where on the log will deliver a topic, and where it ends; without an end, where it did when the log last said. */
  expect(topic: string, next: number, end = (this.#delivered.get(topic) ?? nothing).end): void {
    this.#delivered.set(topic, { next, end })
  }

  /** Hears where a topic ends. */
  hearEnd(topic: string, end: number): void {
    this.expect(topic, (this.#delivered.get(topic) ?? nothing).next, end)
  }

  push(batch: LogBatch): void {
    const batches = this.#batches.get(batch.topic)
    if (batches) batches.push(batch)
    else this.#batches.set(batch.topic, [batch])
    this.expect(batch.topic, batch.nextOffset, batch.endOffset)
    this.#note(batch)
    const waiting = this.#add(batch.topic, batch.records.length)
    if (waiting < this.#recordsMax || this.#paused.has(batch.topic)) return
    this.#paused.add(batch.topic)
    this.#events.pause(batch.topic)
  }

  /** Puts records back in front of their topic. */
  putBack(batch: LogBatch): void {
    this.#batches.set(batch.topic, [batch, ...(this.#batches.get(batch.topic) ?? [])])
    this.#note(batch)
    this.#add(batch.topic, batch.records.length)
  }

  /** The topic whose oldest waiting record the log took first: inputs advance together. */
  nextTopic(): string | undefined {
    let next: string | undefined
    let oldestMs = Number.POSITIVE_INFINITY
    for (const [topic, batches] of this.#batches) {
      const loggedMs = batches[0]!.records[0]?.timestampMs ?? Number.NEGATIVE_INFINITY
      if (next !== undefined && loggedMs >= oldestMs) continue
      next = topic
      oldestMs = loggedMs
    }
    return next
  }

  /** Takes up to `limit` records at or above `position` from the head of a topic; a larger batch is cut. */
  take(topic: string, position: number, limit: number): Taken {
    const newest = this.#newest.get(topic)
    const batches = this.#batches.get(topic)!
    const records: LogRecord[] = []
    let nextOffset = position
    while (batches.length > 0 && records.length < limit) {
      const head = batches[0]!
      let taken = 0
      for (; taken < head.records.length && records.length < limit; taken++) {
        const record = head.records[taken]!
        // Batches may overlap when a log delivers again: what is taken already lies below `nextOffset`.
        if (record.offset < nextOffset) continue
        if (!isReplaced(record, newest)) records.push(record)
        nextOffset = record.offset + 1
      }
      const isWhole = taken === head.records.length
      if (isWhole) batches.shift()
      else batches[0] = { ...head, records: head.records.slice(taken) }
      nextOffset = Math.max(nextOffset, isWhole ? head.nextOffset : batches[0]!.records[0]!.offset)
      this.#add(topic, -taken)
    }
    if (batches.length === 0) this.#batches.delete(topic)
    if (this.#paused.has(topic) && this.#records.get(topic)! < this.#recordsMax / 2) {
      this.#paused.delete(topic)
      this.#events.resume(topic)
    }
    return { records, nextOffset }
  }

  /** Forgets everything that waits; paused topics flow again, from where the task seeks them to. */
  clear(): void {
    this.#batches.clear()
    this.#records.clear()
    for (const newest of this.#newest.values()) newest.clear()
    for (const topic of this.#paused) this.#events.resume(topic)
    this.#paused.clear()
  }

  #note({ topic, records }: LogBatch): void {
    const newest = this.#newest.get(topic)
    if (!newest) return
    for (const { key, offset } of records) if (key !== null && !(newest.get(key)! > offset)) newest.set(key, offset)
  }

  #add(topic: string, records: number): number {
    const waiting = (this.#records.get(topic) ?? 0) + records
    this.#records.set(topic, waiting)
    return waiting
  }
}

/** Of a topic that nobody knows anything of. */
const nothing = { next: 0, end: 0 }

/** Whether a newer record of the key waits; a record that goes on is no longer waiting itself. */
function isReplaced({ key, offset }: LogRecord, newest: Map<string, number> | undefined): boolean {
  if (!newest || key === null) return false
  if (newest.get(key)! > offset) return true
  newest.delete(key)
  return false
}
