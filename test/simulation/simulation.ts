import { ManualClock } from '../../core/clock.ts'
import { createRandom, type Random } from '../../core/random.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogBatch, LogRecord, OutgoingRecord } from '../../ports/event-log.ts'
import type { Scorer } from '../../ports/scorer.ts'
import type { Graph } from '../../runtime/graph.ts'
import type { WireFormat } from '../../schemas/wire-format.ts'
import { type Call, type CallKind, Calls, type Effect } from './calls.ts'
import { fakeScores } from './fake-scores.ts'
import { FaultCounts } from './fault-counts.ts'
import { Owner, type World } from './owner.ts'
import type { Action, CallFault, Point, Schedule, Takeover } from './schedule.ts'
import { SimulatedLists } from './simulated-lists.ts'
import { SimulatedLog } from './simulated-log.ts'
import { SimulatedStore } from './simulated-store.ts'

/** Steps after which a run that does not come to rest is stuck. */
const stepsMax = 20_000
/** Kinds of which a process has one under way at a time, or in order on one connection. */
const inOrder: ReadonlySet<CallKind> = new Set(['send', 'swap', 'commit', 'open'])

/** What a process has besides its stores. */
export interface Process {
  readonly clock: Clock
  readonly scorer: Scorer
}

/** What a run is made of: one topology and its inputs. */
export interface Setup {
  readonly name: string
  readonly wire: WireFormat
  /** Input records by topic and partition. */
  readonly inputs: ReadonlyMap<string, readonly (readonly LogRecord[])[]>
  readonly partitions: number
  /** A graph of its own for one task of a process. */
  graph(process: Process): Graph
}

/** A world that breaks its own promises, to see whether anybody notices. */
export interface Breakage {
  readonly store?: () => SimulatedStore
  readonly send?: (calls: Calls, log: SimulatedLog, owner: Owner, records: readonly OutgoingRecord[]) => Effect<void>
  readonly deliver?: (owner: Owner, batch: LogBatch) => LogBatch | null
}

/** What a run left behind. */
export interface Remains {
  readonly log: SimulatedLog
  readonly store: SimulatedStore
  readonly lists: SimulatedLists
  readonly counts: FaultCounts
  /** Promises broken on the way. */
  readonly broken: readonly string[]
  /** Whether the store went back, and whether its clients were told. */
  readonly rolledBack: 'no' | 'noticed' | 'unnoticed'
}

/** Runs a schedule to its end, then lets the faults stop and everything drain. */
export async function simulate(setup: Setup, schedule: Schedule, breakage: Breakage = {}): Promise<Remains> {
  const simulation = new Simulation(setup, schedule, breakage)
  await simulation.start()
  for (const action of schedule.actions) await simulation.perform(action)
  await simulation.settle()
  return simulation
}

class Simulation implements World, Remains {
  readonly calls = new Calls()
  readonly log = new SimulatedLog()
  readonly store: SimulatedStore
  readonly lists = new SimulatedLists()
  readonly clock = new ManualClock(1_704_000_000_000)
  readonly counts = new FaultCounts()
  rolledBack: Remains['rolledBack'] = 'no'
  readonly #broken: string[] = []
  readonly #setup: Setup
  readonly #schedule: Schedule
  readonly #breakage: Breakage
  readonly #random: Random
  readonly #owners: Owner[] = []
  /** The newest owner of each partition. */
  readonly #current: Owner[] = []
  /** Requests on their way whose sender no longer waits. */
  readonly #late: Call[] = []
  /** Owners replaced at the end because the store had gone back without a word. */
  #restarts = 0

  constructor(setup: Setup, schedule: Schedule, breakage: Breakage) {
    this.#setup = setup
    this.#schedule = schedule
    this.#breakage = breakage
    this.#random = createRandom(schedule.seed)
    this.store = breakage.store?.() ?? new SimulatedStore()
  }

  get wire(): WireFormat {
    return this.#setup.wire
  }

  get partitions(): number {
    return this.#setup.partitions
  }

  get broken(): readonly string[] {
    return [...this.#broken, ...this.store.broken, ...this.lists.broken]
  }

  send(owner: Owner, records: readonly OutgoingRecord[]): Effect<void> {
    if (this.#breakage.send) return this.#breakage.send(this.calls, this.log, owner, records)
    return {
      run: (late) => this.log.append(records, late || this.#isStale(owner)),
      part: () => this.log.append(this.#share(records), this.#isStale(owner)),
    }
  }

  deliver(owner: Owner, batch: LogBatch): LogBatch | null {
    return this.#breakage.deliver ? this.#breakage.deliver(owner, batch) : batch
  }

  async start(): Promise<void> {
    for (let partition = 0; partition < this.partitions; partition++) this.#replace(partition)
    await this.#turn()
  }

  async perform(action: Action): Promise<void> {
    switch (action.do) {
      case 'fetch':
        this.#fetch(this.#currentAt(action.who), action.count, action.back)
        break
      case 'answer':
        for (let time = 0; time < action.times; time++) {
          this.#answer(action.which + time)
          await this.#turn()
        }
        break
      case 'fail':
        await this.#fail(this.#currentAt(action.who), action.at, action.how)
        break
      case 'crash':
        await this.#reach(this.#currentAt(action.who), action.at)
        this.#crash(this.#currentAt(action.who), action.applied)
        break
      case 'take over':
        if (action.times > 1) this.counts.add('rebalance storm')
        await this.#reach(this.#currentAt(action.who), action.at)
        for (let time = 0; time < action.times; time++) this.#takeOver(this.#currentAt(action.who), action.how)
        break
      case 'rebalance':
        for (let time = 0; time < action.times; time++) {
          for (const owner of [...this.#current]) this.#takeOver(owner, 'closed')
          this.counts.add('left and joined')
        }
        break
      case 'roll back':
        this.#rollBack(action.who % this.partitions, action.depth, action.noticed)
        break
      case 'wait':
        this.clock.advance(action.ms)
        break
      case 'skew':
        this.#currentAt(action.who).skewMs = action.ms
        this.counts.add('clock skewed')
        break
    }
    await this.#turn()
  }

  /** No more faults: everything that waits is answered, everything in the log is fetched. */
  async settle(): Promise<void> {
    let rounds = 0
    for (let step = 0; step < stepsMax; step++) {
      await this.#turn()
      if (this.#broken.length > 0) return
      if (this.#late.length > 0 && this.#random.below(3) === 0) this.#late.shift()!.apply(true)
      else if (this.calls.waiting.length > 0) this.#answer(this.#random.below(8))
      else if (this.#current.some((owner) => this.#fetch(owner, 1 + this.#random.below(10), 0))) continue
      else if (this.#late.length > 0) this.#late.shift()!.apply(true)
      else if (rounds++ < 3)
        this.clock.advance(10_000) // Who waits to try again does so now.
      else {
        const behind = this.#current.filter((owner) => !this.#isDone(owner))
        if (behind.length === 0) return
        // The store went back while nobody wrote: who opens next finds out.
        if (rounds > 30) break
        for (const owner of behind) this.#takeOver(owner, 'drained', false)
        rounds = 1
        this.#restarts++
        if (this.#restarts > 5) break
      }
    }
    const positions = this.#current.map(({ id }) => JSON.stringify(this.store.positions(id.partition)))
    this.#broken.push(`${this.#setup.name} is stuck at ${positions.join(' and ')}`)
  }

  /** Lets everybody run until they ask for something. */
  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    for (const owner of this.#owners) {
      if (owner.dead || owner.failure === undefined) continue
      if ((owner.failure as { code?: string }).code !== 'MILL_FENCED')
        this.#broken.push(`${owner.id.topology}.${owner.id.partition} failed: ${owner.failure}`)
      this.#kill(owner)
      if (!owner.replaced) this.#replace(owner.id.partition)
    }
  }

  #currentAt(who: number): Owner {
    return this.#current[who % this.partitions]!
  }

  #replace(partition: number): void {
    const before = this.#current[partition]
    if (before) before.replaced = true
    const id = { topology: this.#setup.name, partition }
    const number = this.#owners.length
    const graph = this.#setup.graph({ clock: this.clock, scorer: this.#scorer(number, partition) })
    const owner = new Owner(number, id, graph, this, this.#schedule)
    this.#owners.push(owner)
    this.#current[partition] = owner
    void owner.open()
  }

  /** Workers that answer when the scheduler lets them: each row's score is its first feature. */
  #scorer(owner: number, partition: number): Scorer {
    return {
      ready: () => true,
      score: (_model, features, rows, outputs) =>
        this.calls.ask({ kind: 'score', owner, partition }, { run: () => fakeScores(features, rows, outputs) }),
    }
  }

  #kill(owner: Owner): void {
    owner.dead = true
    owner.close()
    for (const call of this.calls.of(owner.number)) this.calls.take(call)
  }

  /** One fetch of a topic that has something; says whether there was any. */
  #fetch(owner: Owner, count: number, back: number): boolean {
    const partition = owner.id.partition
    const topics = [...this.#setup.inputs.keys()].filter(
      (topic) => owner.canFetch(topic) && owner.fetchAt(topic) < this.endOf(topic, partition) + (back > 0 ? 1 : 0),
    )
    if (topics.length === 0) return false
    const topic = topics[this.#random.below(topics.length)]!
    const from = Math.max(0, owner.fetchAt(topic) - back)
    if (from < owner.fetchAt(topic)) this.counts.add('delivered twice')
    const records = this.#setup.inputs.get(topic)![partition]!.slice(from, from + Math.max(count, 1))
    if (records.length === 0) return false
    owner.push(topic, records, this.endOf(topic, partition))
    return true
  }

  endOf(topic: string, partition: number): number {
    return this.#setup.inputs.get(topic)![partition]!.length
  }

  /** Whether the store will refuse what this owner is about to commit. */
  #isStale(owner: Owner): boolean {
    return this.store.epoch(owner.id.partition) !== owner.epoch
  }

  #isDone(owner: Owner): boolean {
    const positions = this.store.positions(owner.id.partition)
    return [...this.#setup.inputs.keys()].every((topic) => (positions[topic] ?? 0) >= this.endOf(topic, owner.id.partition))
  }

  /** Calls that may be answered now. */
  #ready(): Call[] {
    const seen = new Set<string>()
    return this.calls.waiting.filter((call) => {
      if (!inOrder.has(call.kind)) return true
      const name = `${call.owner} ${call.kind}`
      if (seen.has(name)) return false
      seen.add(name)
      return true
    })
  }

  #pick(which: number): Call | undefined {
    const ready = this.#ready()
    if (ready.length === 0) return undefined
    const call = ready[which % ready.length]!
    if (call !== ready[0]) this.counts.add('answers reordered')
    this.calls.take(call)
    return call
  }

  #answer(which: number): void {
    this.#pick(which)?.answer()
    if (this.#late.length > 0 && this.#random.below(6) === 0) this.#late.shift()!.apply(true)
  }

  /** Answers a task until it asks for what a point of the table in streaming-notes.md names; gives up where it does not. */
  async #reach(owner: Owner, point: Point): Promise<void> {
    if (point === 'rest') return
    for (let step = 0; step < 12 && !owner.dead; step++) {
      const asked = this.calls.of(owner.number)
      if (asked.some(({ kind }) => kind === point)) return
      if (asked[0]) {
        this.calls.take(asked[0])
        asked[0].answer()
      } else if (!this.#fetch(owner, 1 + this.#random.below(6), 0)) return
      await this.#turn()
    }
  }

  async #fail(owner: Owner, point: Point, how: CallFault): Promise<void> {
    await this.#reach(owner, point)
    const asked = this.calls.of(owner.number)
    const call = asked.find(({ kind }) => kind === point) ?? asked[0]
    if (!call) return
    this.calls.take(call)
    this.counts.add(call.kind === 'score' ? 'worker failed' : how)
    switch (how) {
      case 'request lost':
        return call.reject()
      case 'reply lost':
        call.apply()
        return call.reject()
      case 'partly done':
        call.applyPart()
        return call.reject()
      case 'done twice':
        call.apply()
        return call.answer()
      case 'done late':
        this.#late.push(call)
        return call.reject()
    }
  }

  /** The process dies at once; what it had asked for may or may not have happened. */
  #crash(owner: Owner, applied: boolean): void {
    const asked = this.calls.of(owner.number)
    const last = asked.at(-1)
    for (const call of applied ? asked : []) {
      if (this.#random.below(3) > 0) call.apply()
      else call.applyPart()
    }
    this.#kill(owner)
    this.#replace(owner.id.partition)
    if (!last) this.counts.add('crash between batches')
    else if (last.kind === 'commit') this.counts.add(applied ? 'crash after commit, reply lost' : 'crash after outputs')
    else if (last.kind === 'send') this.counts.add(applied ? 'crash after outputs' : 'crash after fold')
    else this.counts.add(last.kind === 'swap' ? 'crash after outputs' : 'crash after fetch')
  }

  /** Clients who notice (their connection went) start again from what the store holds now. */
  #rollBack(partition: number, depth: number, noticed: boolean): void {
    if (!this.store.rollBack(partition, depth)) return
    this.counts.add(noticed ? 'store rolled back' : 'store rolled back, unnoticed')
    if (!noticed || this.rolledBack === 'no') this.rolledBack = noticed ? 'noticed' : 'unnoticed'
    if (!noticed) return
    for (const owner of this.#owners) if (owner.id.partition === partition && !owner.dead) this.#kill(owner)
    this.#replace(partition)
  }

  #takeOver(owner: Owner, how: Takeover, counted = true): void {
    if (how === 'closed') owner.close()
    else if (how === 'drained') owner.drain()
    if (counted) this.counts.add(how === 'closed' ? 'closed while working' : how)
    this.#replace(owner.id.partition)
  }

  /** What some of several servers got of a request: each partition's records, or none of them. */
  #share(records: readonly OutgoingRecord[]): OutgoingRecord[] {
    const kept = new Map<string, boolean>()
    return records.filter(({ topic, partition }) => {
      const name = `${topic}/${partition}`
      if (!kept.has(name)) kept.set(name, this.#random.below(2) === 0)
      return kept.get(name)!
    })
  }
}
