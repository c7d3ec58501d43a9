import type { Config } from '../cli/config.ts'
import { topologyNames } from '../cli/topologies.ts'
import type { BenchOptions } from './bench-options.ts'
import type { ListsMade } from './engine-program.ts'
import { sendPaced, wallMs } from './paced-sender.ts'
import type { PacedShop } from './paced-shop.ts'
import { Program } from './program.ts'

/** How long a level may take to answer its last events. */
const settleMsMax = 60_000

/** What one level of load showed. */
export interface Level {
  readonly latenciesMs: readonly number[]
  /** Events without a list when the level was given up. */
  readonly unanswered: number
  readonly lists: number
  readonly ranked: number
  readonly cpuMs: number
}

/** What a process without lists reports. */
interface CpuReport {
  readonly cpuMs: number
}

/** The engine's processes, and which of the events sent have their list. */
export class ListProbe {
  /** By person: when their events that have no list yet were due, oldest first. */
  readonly #waiting = new Map<string, number[]>()
  #waitingCount = 0
  #latenciesMs: number[] = []
  #lists = 0
  #ranked = 0
  #cpuMs = 0
  #others: Program<'ready', CpuReport> | undefined

  static async start(options: BenchOptions, config: Config): Promise<ListProbe> {
    const probe = new ListProbe()
    await probe.startEngine(options, config)
    return probe
  }

  /**
   * Starts the engine; what is expected already is in the log. Option `--processes`: 2 (the default) make the lists in a process of
   * their own, 1 runs all topologies in one.
   */
  async startEngine(options: BenchOptions, config: Config): Promise<void> {
    const maker = 'recommendations'
    const start = <T>(topologies: readonly string[]) =>
      Program.start<'ready', T>(options, 'engine-program.ts', JSON.stringify({ ...config, topologies }))
    const apart = options.number('processes', 2) > 1
    if (apart) this.#others = await start<CpuReport>(topologyNames.filter((name) => name !== maker))
    const engine = await start<never>(apart ? [maker] : [])
    engine.onMessage((message) => this.#made(message as ListsMade))
  }

  /** CPU time of the engine since it was last asked; of the process that makes lists up to its last ones. */
  async #cpuSince(before: number): Promise<number> {
    const others = this.#others ? (await this.#others.report()).cpuMs : 0
    return this.#cpuMs - before + others
  }

  /** Lists, since the engine started or since the level began. */
  get lists(): number {
    return this.#lists
  }

  /** Events that have no list yet. */
  get waitingCount(): number {
    return this.#waitingCount
  }

  /** Notes that a person's event of that time wants a list. */
  expect(userId: string, timeMs: number): void {
    const waiting = this.#waiting.get(userId)
    if (waiting) waiting.push(timeMs)
    else this.#waiting.set(userId, [timeMs])
    this.#waitingCount++
  }

  /** Waits until every event has its list, or for so long. */
  async answered(msMax: number): Promise<void> {
    const giveUpMs = wallMs() + msMax
    while (this.#waitingCount > 0 && wallMs() < giveUpMs) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** Sends at a rate for so long, then waits until every event has its list. */
  async level(shop: PacedShop, { rate, seconds }: { readonly rate: number; readonly seconds: number }): Promise<Level> {
    this.#latenciesMs = []
    this.#lists = 0
    this.#ranked = 0
    this.#waiting.clear()
    this.#waitingCount = 0
    const groups = shop.take(Math.ceil(rate * seconds))
    await this.#cpuSince(0)
    const cpuMs = this.#cpuMs
    await sendPaced({
      log: shop.log,
      rate,
      count: groups.length,
      recordsAt: (at, dueMs) => {
        // Event times are whole milliseconds; the due time is the same one, so nothing is answered before it was asked.
        const timeMs = Math.floor(dueMs)
        this.expect(groups[at]!.at(-1)!.key, timeMs)
        return shop.at(groups[at]!, timeMs)
      },
    })
    await this.answered(settleMsMax)
    return {
      latenciesMs: this.#latenciesMs,
      unanswered: this.#waitingCount,
      lists: this.#lists,
      ranked: this.#ranked,
      cpuMs: await this.#cpuSince(cpuMs),
    }
  }

  #made({ atMs, cpuMs, lists }: ListsMade): void {
    this.#cpuMs = cpuMs
    this.#lists += lists.length
    for (const [userId, watermarkMs, rung] of lists) {
      if (rung === 'ranker') this.#ranked++
      const waiting = this.#waiting.get(userId)
      while (waiting !== undefined && waiting.length > 0 && waiting[0]! <= watermarkMs) {
        this.#latenciesMs.push(atMs - waiting.shift()!)
        this.#waitingCount--
      }
    }
  }
}
