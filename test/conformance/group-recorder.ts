import type { GroupHandler, LogBatch } from '../../ports/event-log.ts'

/** What several members of one group share in a test: applied positions, as a state store would keep them, and who owns what. */
export class GroupLedger {
  /** topic → next offset by partition number. */
  readonly positions: Record<string, number[]> = {}
  readonly owners = new Map<number, GroupRecorder>()
  /** Everything that was delivered, as `topic/partition@offset`. */
  readonly seen: string[] = []
  /** Broken promises, in words; a test ends by expecting none. */
  readonly faults: string[] = []

  constructor(topics: readonly string[], partitions: number) {
    for (const topic of topics) this.positions[topic] = new Array<number>(partitions).fill(0)
  }

  /** Records of one topic and partition that were delivered, in order of delivery. */
  offsets(topic: string, partition: number): number[] {
    const prefix = `${topic}/${partition}@`
    return this.seen.filter((entry) => entry.startsWith(prefix)).map((entry) => Number(entry.slice(prefix.length)))
  }
}

/** A group member that applies every batch at once, goes on from the ledger's positions and notes each broken promise. */
export class GroupRecorder implements GroupHandler {
  readonly name: string
  readonly owned = new Set<number>()
  readonly batches: LogBatch[] = []
  /** Set once `stop` has resolved: no call may follow. */
  stopped = false
  error: Error | null = null
  readonly #ledger: GroupLedger
  readonly #strict: boolean
  /** Partitions being assigned or revoked now, by call. */
  readonly #busy = new Map<number, 'assigned' | 'revoked'>()

  constructor(name: string, ledger: GroupLedger, strict: boolean) {
    this.name = name
    this.#ledger = ledger
    this.#strict = strict
  }

  async assigned(partition: number): Promise<Readonly<Record<string, number>>> {
    this.#enter('assigned', partition)
    const owner = this.#ledger.owners.get(partition)
    if (this.owned.has(partition)) this.#fault(`assigned(${partition}) though it has it`)
    if (this.#strict && owner) this.#fault(`assigned(${partition}) before ${owner.name} was revoked`)
    await new Promise((resolve) => setImmediate(resolve))
    this.owned.add(partition)
    this.#ledger.owners.set(partition, this)
    this.#busy.delete(partition)
    return Object.fromEntries(Object.entries(this.#ledger.positions).map(([topic, next]) => [topic, next[partition]!]))
  }

  async revoked(partition: number): Promise<void> {
    this.#enter('revoked', partition)
    if (!this.owned.delete(partition)) this.#fault(`revoked(${partition}) though it does not have it`)
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#ledger.owners.get(partition) === this) this.#ledger.owners.delete(partition)
    this.#busy.delete(partition)
  }

  batch(batch: LogBatch): void {
    const { topic, partition, records, nextOffset, endOffset } = batch
    const where = `batch of ${topic}/${partition}`
    if (this.stopped) this.#fault(`${where} after stop`)
    if (!this.owned.has(partition)) this.#fault(`${where} without owning it`)
    const last = records.at(-1)
    if (last && nextOffset <= last.offset) this.#fault(`${where}: next offset ${nextOffset} is not behind ${last.offset}`)
    if (endOffset < nextOffset) this.#fault(`${where}: end ${endOffset} below next ${nextOffset}`)
    let before = -1
    for (const { offset } of records) {
      if (offset <= before) this.#fault(`${where}: offset ${offset} after ${before}`)
      before = offset
      this.#ledger.seen.push(`${topic}/${partition}@${offset}`)
    }
    this.batches.push(batch)
    this.#ledger.positions[topic]![partition] = nextOffset
  }

  failed(error: Error): void {
    this.error = error
    this.#fault(`failed: ${error.message}`)
  }

  #enter(call: 'assigned' | 'revoked', partition: number): void {
    if (this.stopped) this.#fault(`${call}(${partition}) after stop`)
    // Several partitions may be assigned at once, and nothing else overlaps.
    for (const [other, busy] of this.#busy)
      if (call === 'revoked' || busy === 'revoked' || other === partition)
        this.#fault(`${call}(${partition}) overlaps ${busy}(${other})`)
    this.#busy.set(partition, call)
  }

  #fault(what: string): void {
    this.#ledger.faults.push(`${this.name}: ${what}`)
  }
}
