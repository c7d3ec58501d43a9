import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Config, loadConfig } from '../../../cli/config.ts'
import { freePort } from '../../../cli/services/free-port.ts'
import { startKafka } from '../../../cli/services/kafka-service.ts'
import { startRedisServer } from '../../../cli/services/redis-service.ts'
import type { ServiceProcess } from '../../../cli/services/service-process.ts'
import { artifactsDir } from '../../../cli/services/services.ts'
import type { OutgoingRecord } from '../../../ports/event-log.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import { EngineProcess } from '../../e2e/engine-process.ts'
import { recordedShop, Stack } from '../../e2e/stack.ts'
import { compareSignals } from './compare-signals.ts'

/** How often a running stage is verified before a difference counts. */
const liveLooksMax = 3

/** What one fault test stands on. */
export interface FaultStageOptions {
  /** Names the temporary folder. */
  readonly name: string
  readonly registry: string
  readonly partitions: number
  /** Only what the claim needs runs; item features feed on user events alone, rewards and bandit on what was shown. */
  readonly topologies: readonly string[]
  /** Events of the recorded shop that `feed` takes from. */
  readonly events: number
  readonly sessionTimeoutMs: number
  /** Brokers that the test starts and stops itself; one of its own by default. */
  readonly brokers?: { readonly addresses: readonly string[]; readonly replicationFactor: number }
}

/**
 * Services of a test's own, engines as processes, and the log and stores seen from outside: a stage on which faults are played. One
 * log goes through a whole file, so every verification folds everything that happened before too.
 */
export class FaultStage {
  readonly config: Config
  readonly stack: Stack
  readonly engines: EngineProcess[] = []
  /** Faults injected so far; printed with every verification. */
  faults = 0
  readonly #folder: string
  readonly #processes: readonly ServiceProcess[]
  readonly #topologies: readonly string[]
  readonly #left: OutgoingRecord[]

  private constructor(
    config: Config,
    stack: Stack,
    folder: string,
    processes: readonly ServiceProcess[],
    { events, topologies }: FaultStageOptions,
  ) {
    this.config = config
    this.stack = stack
    this.#folder = folder
    this.#processes = processes
    this.#topologies = topologies
    this.#left = recordedShop({ events }).map((record) => stack.encoded(record))
  }

  static async open(options: FaultStageOptions): Promise<FaultStage> {
    const folder = mkdtempSync(join(tmpdir(), `millrace-${options.name}-`))
    const common = { cacheDir: artifactsDir(), detached: false, log() {} }
    const redisPort = await freePort(0, 'redis')
    const [redis, kafka] = await Promise.all([
      startRedisServer({ ...common, name: 'redis', port: redisPort, dir: join(folder, 'redis'), extraArgs: [] }),
      options.brokers ? undefined : startKafka({ ...common, dir: join(folder, 'kafka') }),
    ])
    const config = loadConfig(undefined, {
      stack: 'distributed',
      partitions: options.partitions,
      topologies: [...options.topologies],
      kafka: {
        brokers: options.brokers?.addresses ?? [kafka!.address],
        replicationFactor: options.brokers?.replicationFactor ?? 1,
        sessionTimeoutMs: options.sessionTimeoutMs,
      },
      registry: { url: options.registry },
      redis: { url: `redis://127.0.0.1:${redisPort}` },
      rewards: { waitMs: 60_000, waits: { purchaseMs: 600_000 }, update: 'provisional' },
      inference: { repository: join(folder, 'none') },
      log: { level: 'warn' },
    })
    const stack = await Stack.open(config)
    return new FaultStage(config, stack, folder, [redis, ...(kafka?.processes ?? [])], options)
  }

  /** Starts an engine process; by default waits until it has joined its groups. */
  async startEngine(): Promise<EngineProcess> {
    const engine = new EngineProcess(this.config, this.#folder)
    this.engines.push(engine)
    await engine.ready()
    return engine
  }

  /** Records of the shop that were not fed yet. */
  get left(): number {
    return this.#left.length
  }

  /** The next records of the shop, taken off. */
  take(count: number): OutgoingRecord[] {
    return this.#left.splice(0, count)
  }

  /** Appends the next records of the shop; while the log is away, the same again until it has them, as a producer does. */
  async feed(count: number): Promise<void> {
    const records = this.take(count)
    await waitUntil(
      'the log takes records',
      async () => {
        try {
          await this.stack.append(records)
          return true
        } catch (error) {
          expect(error).toMatchObject({ code: 'MILL_LOG_UNAVAILABLE' })
          return false
        }
      },
      60_000,
    )
  }

  /** Records that `user-features` has applied. */
  async applied(): Promise<number> {
    let sum = 0
    for (let partition = 0; partition < this.config.partitions; partition++) {
      const progress = await this.stack.ports.state.progress({ topology: 'user-features', partition })
      sum += progress?.positions['user-events'] ?? 0
    }
    return sum
  }

  /** Partitions of a topology that a process says it owns, ascending. */
  async owned(engine: EngineProcess, topology = 'user-features'): Promise<number[]> {
    const { topologies } = await engine.status()
    return topologies.find(({ name }) => name === topology)!.tasks.map(({ partition }) => partition)
  }

  /** Waits until each partition of every topology is owned by exactly one of these processes, with the epoch that the store holds. */
  async untilEachOwnedOnce(engines: readonly EngineProcess[], limitMs = 60_000): Promise<void> {
    let seen: unknown
    const once = async () => {
      const statuses = await Promise.all(engines.map((engine) => engine.status()))
      const owners: Record<string, number[]> = {}
      for (const { topologies } of statuses)
        for (const { name, tasks } of topologies)
          for (const { partition, epoch } of tasks)
            owners[`${name}.${partition}`] = [...(owners[`${name}.${partition}`] ?? []), epoch]
      seen = owners
      for (const topology of this.#topologies) {
        for (let partition = 0; partition < this.config.partitions; partition++) {
          const epochs = owners[`${topology}.${partition}`] ?? []
          const stored = await this.stack.ports.state.progress({ topology, partition })
          if (epochs.length !== 1 || epochs[0] !== stored?.epoch) return false
        }
      }
      return statuses.every(({ topologies }) => topologies.every(({ tasks }) => tasks.length > 0))
    }
    try {
      await waitUntil('every task has one owner, the one of its newest epoch', once, limitMs)
    } catch (cause) {
      throw new Error(`epochs by task and owner: ${JSON.stringify(seen)}`, { cause })
    }
  }

  /** True where a partition of user events has records that `user-features` has not applied. */
  async hasWork(partitions: readonly number[]): Promise<boolean> {
    const offsets = await this.stack.ports.log.offsets('user-events')
    for (const partition of partitions) {
      const progress = await this.stack.ports.state.progress({ topology: 'user-features', partition })
      if ((progress?.positions['user-events'] ?? 0) < offsets[partition]!.end) return true
    }
    return false
  }

  untilCaughtUp(limitMs = 60_000): Promise<void> {
    return this.stack.untilCaughtUp(limitMs, this.#topologies)
  }

  /** Waits until all is applied, stops the engines that still run, and folds the log again: zero differences, or the test fails. */
  async expectZeroDifferences(what: string): Promise<void> {
    await this.untilCaughtUp()
    await Promise.all(
      this.engines
        .splice(0)
        .filter(({ child }) => child.exitCode === null && child.signalCode === null)
        .map(async (engine) => expect(await engine.stop(), engine.output).toBe(0)),
    )
    await this.#expectEqual(what, await this.stack.verify())
  }

  /**
   * The same with engines that go on running and have nothing to do. Idle topics still move time once: what that makes differ is gone
   * at the next look, and what was lost or applied twice stays.
   */
  async expectZeroDifferencesLive(what: string): Promise<void> {
    await this.untilCaughtUp()
    let found = await this.stack.verify()
    for (let looks = 1; found.wrong.length > 0 && looks < liveLooksMax; looks++) found = await this.stack.verify()
    await this.#expectEqual(what, found)
  }

  async #expectEqual(what: string, { wrong, records, keys, reports }: Awaited<ReturnType<Stack['verify']>>): Promise<void> {
    const { rows, repeats, missing, extra } = await compareSignals(this.stack)
    console.info(
      `${what}: ${this.faults} faults; ${records} records folded, ${keys} keys compared, ${wrong.length} differences; of ${rows} signals ${missing.length} missing, ${extra.length} too many, ${repeats} sent twice`,
    )
    expect(wrong).toEqual([])
    expect({ missing: missing.slice(0, 10), extra: extra.slice(0, 10) }).toEqual({ missing: [], extra: [] })
    expect(new Set(reports.map(({ topology }) => topology))).toEqual(new Set(this.#topologies))
    expect(Math.min(keys, rows)).toBeGreaterThan(100)
  }

  async close(): Promise<void> {
    for (const engine of this.engines) if (engine.child.exitCode === null && engine.child.signalCode === null) await engine.kill()
    await this.stack.close()
    await Promise.all(this.#processes.map((process) => process.stop()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
