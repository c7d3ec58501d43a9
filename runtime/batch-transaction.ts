import { type ErrorCode, MillraceError } from '../core/errors.ts'
import { invariant } from '../core/invariant.ts'
import type { Positions } from '../core/positions.ts'
import type { Sourced, StateFamily, TaskInfo, Transaction } from '../ports/batch.ts'
import type { LogRecord, OutgoingRecord } from '../ports/event-log.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'
import type { LateRecord } from '../schemas/late-record.ts'
import { asBuffer } from '../schemas/record-schema.ts'
import { absent, type StateCache } from './state-cache.ts'

/** What a transaction needs of its task. */
export interface TransactionContext {
  readonly task: TaskInfo
  readonly topic: string
  /** The cache of a family by its name. */
  cache(family: string): StateCache
  readonly positions: Positions
  /** The records as they lay in the log, ascending by offset: dead letters keep their bytes. */
  readonly raw: readonly LogRecord[]
  /** The watermark that a late record missed. */
  readonly watermarkMs: number
  read(keys: readonly string[]): Promise<readonly (Uint8Array | null)[]>
}

/** What a batch holds of one family, by key; it survives eviction from the cache while the batch runs. */
interface HeldFamily {
  readonly family: StateFamily<unknown>
  readonly values: Map<string, unknown>
  readonly dirty: Set<string>
}

/**
 * One batch's view of the task's state, and its effects collected until the batch is done. A key not in the cache at `get`
 * was never loaded: that is a mistake of the operator and throws `MILL_INVARIANT`.
 */
export class BatchTransaction implements Transaction {
  readonly outputs: OutgoingRecord[] = []
  readonly lists: ListWrite[] = []
  readonly deadLetters: DeadLetter[] = []
  readonly lateRecords: LateRecord[] = []
  readonly #context: TransactionContext
  readonly #held = new Map<string, HeldFamily>()
  readonly #upstreams = new Map<string, number>()

  constructor(context: TransactionContext) {
    this.#context = context
  }

  async load<T>(family: StateFamily<T>, keys: Iterable<string>): Promise<void> {
    const { values } = this.#heldOf(family)
    const cache = this.#context.cache(family.name)
    const missing: string[] = []
    const asked = new Set<string>()
    for (const key of keys) {
      if (values.has(key) || asked.has(key)) continue
      const cached = cache.get(key)
      if (cached !== undefined) values.set(key, cached)
      else {
        asked.add(key)
        missing.push(key)
      }
    }
    if (missing.length === 0) return
    const stored = await this.#context.read(missing.map((key) => `${family.name}:${key}`))
    for (let i = 0; i < missing.length; i++) {
      const bytes = stored[i]
      const value = bytes == null ? absent : family.codec.decode(bytes)
      values.set(missing[i]!, value)
      cache.set(missing[i]!, value)
    }
  }

  get<T>(family: StateFamily<T>, key: string): T | undefined {
    const value = this.#held.get(family.name)?.values.get(key)
    if (value === undefined) this.#refuseUnloaded(`${family.name}:${key}`)
    return value === absent ? undefined : (value as T)
  }

  put<T>(family: StateFamily<T>, key: string, value: T): void {
    const held = this.#heldOf(family)
    held.values.set(key, value)
    held.dirty.add(key)
  }

  delete<T>(family: StateFamily<T>, key: string): void {
    this.put(family as StateFamily<unknown>, key, absent)
  }

  #refuseUnloaded(name: string): never {
    throw new MillraceError('MILL_INVARIANT', `${this.#context.task.topology} reads state ${name} without loading it first`)
  }

  #heldOf<T>(family: StateFamily<T>): HeldFamily {
    let held = this.#held.get(family.name)
    if (!held) {
      held = { family: family as StateFamily<unknown>, values: new Map(), dirty: new Set() }
      this.#held.set(family.name, held)
    }
    return held
  }

  deadLetter(record: Sourced<unknown>, step: string, code: ErrorCode, reason: string): void {
    const raw = this.#rawOf(record.offset)
    const { task, topic } = this.#context
    this.deadLetters.push({
      id: `${task.topology}/${topic}/${task.partition}/${record.offset}/${step}`,
      topic,
      partition: task.partition,
      offset: record.offset,
      loggedMs: record.loggedMs,
      topology: task.topology,
      step,
      code,
      reason,
      key: raw?.key ?? record.key,
      // Avro takes Buffers only, and the embedded log gives plain arrays.
      value: raw?.value ? asBuffer(raw.value) : null,
      replays: 0,
    })
  }

  late(record: Sourced<unknown>, step: string, eventTimeMs: number, topic: string = this.#context.topic): void {
    const { task, watermarkMs } = this.#context
    this.lateRecords.push({
      id: `${task.topology}/${topic}/${task.partition}/${record.offset}/${step}`,
      topology: task.topology,
      step,
      eventTimeMs,
      watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : 0,
      key: record.key,
      content: JSON.stringify(record.value, (_name, value) => (value instanceof Uint8Array ? `${value.length} bytes` : value)),
    })
  }

  setUpstream(topic: string, partition: number, nextOffset: number): void {
    const name = `${topic}/${partition}`
    invariant(nextOffset >= this.upstream(topic, partition), `the upstream position ${name} would go back to ${nextOffset}`)
    this.#upstreams.set(name, nextOffset)
  }

  upstream(topic: string, partition: number): number {
    const name = `${topic}/${partition}`
    return this.#upstreams.get(name) ?? this.#context.positions[name] ?? 0
  }

  /** Records the batch was made from, decodable or not. */
  get rawCount(): number {
    return this.#context.raw.length
  }

  /** Upstream positions this batch moved. */
  get upstreams(): Positions {
    return Object.fromEntries(this.#upstreams)
  }

  /** Encoded writes for the store; call once, when the batch is done. */
  writes(): Map<string, Uint8Array | null> {
    const writes = new Map<string, Uint8Array | null>()
    for (const { family, values, dirty } of this.#held.values())
      for (const key of dirty) {
        const value = values.get(key)
        writes.set(`${family.name}:${key}`, value === absent ? null : family.codec.encode(value))
      }
    return writes
  }

  /** Makes this batch's values the task's: only after the store has applied them. */
  settle(): void {
    for (const { family, values, dirty } of this.#held.values()) {
      const cache = this.#context.cache(family.name)
      for (const key of dirty) cache.set(key, values.get(key))
    }
  }

  #rawOf(offset: number): LogRecord | undefined {
    const raw = this.#context.raw
    let low = 0
    let high = raw.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const at = raw[middle]!.offset
      if (at === offset) return raw[middle]
      if (at < offset) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }
}
