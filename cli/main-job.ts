import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { MillraceError } from '../core/errors.ts'
import { createAdmin } from '../gateway/create-admin.ts'
import { createGateway } from '../gateway/create-gateway.ts'
import type { Follower } from '../ports/event-log.ts'
import { createShop } from '../simulator/create-shop.ts'
import { startBefore } from '../simulator/start-before.ts'
import type { Storefront } from '../simulator/storefront.ts'
import { version } from './compose.ts'
import type { Config } from './config.ts'
import { exitCodes } from './exit-codes.ts'
import { LiveView } from './live-view.ts'
import { type JobParts, openJob } from './open-job.ts'
import { type RunReport, reportOf } from './run-report.ts'
import { ShopFeed } from './shop-feed.ts'

export interface MainJobFlags {
  /** Feeds the synthetic shop. */
  readonly simulate: boolean
  /** Runs so many events as fast as possible and stops; undefined = real time, until asked to stop. */
  readonly events?: number | undefined
  /** Where to write the JSON report. */
  readonly report?: string | undefined
  /** Draws the live view; else nothing is printed but the address and, at the end, the summary. */
  readonly view: boolean
}

/** Events that may be ahead of their lists in a fast run: what a person sees next must contain what they did. */
const aheadMax = 200
const viewMs = 500
/** How long a fast run waits at its end for everything to be applied. */
const settleMsMax = 60_000

/** Starts the main job and resolves with its report once it has stopped: after `events`, or on SIGINT or SIGTERM. */
export async function startMainJob(config: Config, flags: MainJobFlags): Promise<RunReport> {
  if (config.stack === 'embedded' && config.embedded.path !== ':memory:')
    mkdirSync(dirname(config.embedded.path), { recursive: true })
  const job = await MainJob.open(config)
  const stopped = stopSignal(config.stopLimitMs)
  try {
    await job.start()
    if (!flags.simulate) await stopped.promise
    else if (flags.events === undefined) await job.runInRealTime(flags, stopped)
    else await job.runFast(flags.events, flags, stopped)
  } finally {
    await job.stop()
  }
  const report = job.report()
  if (flags.report !== undefined) writeFileSync(flags.report, `${JSON.stringify(report, null, 2)}\n`)
  return report
}

/** Deletes the file of an embedded run, so that the next one starts from nothing. */
export function forgetEmbedded(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

/** Listens and answers the address; a port that cannot be had is refused by the name of its setting. */
async function listen(
  app: FastifyInstance,
  section: 'gateway' | 'admin',
  { host, port }: { host: string; port: number },
): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw cause
    const message = `"${section}": ${host}:${port} cannot be listened on (${code}); --set ${section}.port=0 takes a free port`
    throw new MillraceError('MILL_CONFIG_INVALID', message, { cause })
  }
}

interface StopSignal {
  readonly promise: Promise<void>
  asked: boolean
}

/** From the signal on the process has `limitMs` to finish: a service that does not answer, or a client that never ends, must not hold it. */
function stopSignal(limitMs: number): StopSignal {
  const giveUp = (): void => {
    console.error(
      `millrace did not stop within ${limitMs} ms (stopLimitMs); what was not committed is read again at the next start`,
    )
    process.exit(exitCodes.unreachable)
  }
  const signal = { asked: false } as { asked: boolean; promise: Promise<void> }
  signal.promise = new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.once(name, () => {
        signal.asked = true
        setTimeout(giveUp, limitMs).unref()
        resolve()
      })
    }
  })
  return signal
}

/** Everything of one process of the main job: engine, gateway, and the shop if there is one. */
class MainJob {
  readonly #config: Config
  readonly #parts: JobParts
  #gateway: FastifyInstance | undefined
  #admin: FastifyInstance | undefined
  #view: LiveView | undefined
  #rewards: Follower | undefined
  #address = ''
  /** Resolves whenever a batch is done: a fast run waits for its lists. */
  #wake: () => void = () => {}
  #listsDoneAtMs = 0

  private constructor(config: Config, parts: JobParts) {
    this.#config = config
    this.#parts = parts
    parts.observe((topology, lists) => {
      if (topology === 'recommendations') for (const list of lists) this.#view?.list(list)
      this.#wake()
    })
  }

  static async open(config: Config): Promise<MainJob> {
    return new MainJob(config, await openJob(config))
  }

  async start(): Promise<void> {
    const { engine, ports, service, collector, preferences, features, tables } = this.#parts
    const { gateway, admin } = this.#config
    const app = await createGateway({
      service,
      collector,
      preferences,
      lists: ports.lists,
      items: tables.catalogue,
      features,
      clock: ports.clock,
      logger: ports.logger,
      metrics: ports.metrics,
      version: version(),
      apiKeys: gateway.apiKeys,
      ready: () => ({ ready: engine.ready(), reason: engine.ready() ? '' : 'topologies are not all running' }),
    })
    this.#gateway = app
    this.#admin = await createAdmin({ control: engine, logger: ports.logger, version: version() })
    // Built before the engine joins its groups: partitions taken from others stand still while this process is busy with itself.
    await Promise.all([app.ready(), this.#admin.ready()])
    await engine.start()
    this.#rewards = await this.#countRewards()
    this.#address = await listen(app, 'gateway', gateway)
    const adminAddress = await listen(this.#admin, 'admin', admin)
    console.error(`millrace ${version()} (${this.#config.stack}): gateway ${this.#address}, admin ${adminAddress}`)
  }

  /** The shop in real time, until asked to stop. */
  async runInRealTime(flags: MainJobFlags, stopped: StopSignal): Promise<void> {
    const { ports } = this.#parts
    const { feed } = this.#shop(ports.clock.nowMs(), { daypart: true })
    await feed.open()
    const stopDrawing = this.#draw(flags.view)
    await feed.run({
      storefront: this.#storefront(),
      eventsMax: Number.POSITIVE_INFINITY,
      onEvent: (event) => this.#view?.event(event),
      pace: async (timeMs) => {
        await this.#until(timeMs, stopped)
        return !stopped.asked
      },
    })
    stopDrawing()
  }

  /** So many events of the shop as fast as lists follow, then everything is applied. */
  async runFast(events: number, flags: MainJobFlags, stopped: StopSignal): Promise<void> {
    const { ports, engine, decisions } = this.#parts
    const { eventsPerSecond } = this.#config.simulator
    // No course of the day: figures must not depend on the hour of the run.
    const { feed } = this.#shop(startBefore(ports.clock.nowMs(), { events, eventsPerSecond }), { daypart: false })
    await feed.open()
    await this.#settled(() => engine.caughtUp(), stopped)
    const stopDrawing = this.#draw(flags.view)
    this.#parts.statistics.restart(ports.clock.nowMs())
    const applied = this.#parts.statistics
    await feed.run({
      storefront: this.#storefront(),
      eventsMax: events,
      onEvent: (event) => this.#view?.event(event),
      pace: async (timeMs) => {
        // Where chance carried the shop past the clock: what lies in the future is refused.
        await this.#until(timeMs, stopped)
        while (!stopped.asked && (feed.events - applied.events > aheadMax || engine.lag('recommendations') > aheadMax))
          await this.#nextBatch()
        return !stopped.asked
      },
    })
    await this.#settled(async () => decisions.held === 0 && (await engine.caughtUp()), stopped)
    this.#listsDoneAtMs = ports.clock.nowMs()
    stopDrawing()
  }

  async stop(): Promise<void> {
    const { engine, keeper, ports, decisions, inference } = this.#parts
    await this.#gateway?.close()
    await this.#admin?.close()
    await decisions.close()
    await engine.stop()
    await keeper.close()
    await this.#rewards?.stop()
    await inference.close()
    await ports.close()
  }

  report(): RunReport {
    const { statistics, scorer, ports } = this.#parts
    const endMs = this.#listsDoneAtMs || ports.clock.nowMs()
    return reportOf(statistics, scorer, {
      stack: this.#config.stack,
      cores: cpus().length,
      elapsedMs: endMs - statistics.startedMs,
    })
  }

  /** Counts rewards as they are joined, from now on: what was joined before belongs to other runs. */
  #countRewards(): Promise<Follower> {
    const { ports, statistics } = this.#parts
    const fromMs = ports.clock.nowMs()
    return ports.log.follow({
      name: 'report',
      topics: ['rewards'],
      batch: ({ records }) => {
        for (const { value, timestampMs } of records)
          if (value !== null && timestampMs >= fromMs) statistics.reward(ports.wire.decode('rewards', value))
      },
      failed: (error) => ports.logger.error({ error: String(error) }, 'Rewards are no longer counted for the report.'),
    })
  }

  /** Waits for a time of the clock, or to be stopped. */
  async #until(timeMs: number, stopped: StopSignal): Promise<void> {
    const { clock } = this.#parts.ports
    const waitMs = timeMs - clock.nowMs()
    if (waitMs > 0) await Promise.race([new Promise<void>((resolve) => clock.after(waitMs, resolve)), stopped.promise])
  }

  #shop(startMs: number, { daypart }: { readonly daypart: boolean }) {
    const { seed, users, items, eventsPerSecond } = this.#config.simulator
    const shop = createShop({ seed, users, items, eventsPerSecond, daypart, startMs: Math.floor(startMs) })
    const { log, wire } = this.#parts.ports
    return { shop, feed: new ShopFeed(shop, { log, wire, partitions: this.#config.partitions }) }
  }

  #storefront(): Storefront {
    const { service } = this.#parts
    return {
      async show({ userId, surface, count, timeMs }) {
        const shown = await service.recommend({ userId, surface, count, timeMs })
        return { listId: shown.listId, policy: shown.variant ?? shown.policy, items: shown.items.map((item) => item.itemId) }
      },
    }
  }

  #draw(asView: boolean): () => void {
    const { statistics, tables, scorer, ports } = this.#parts
    const source = {
      statistics,
      catalogue: tables.catalogue,
      address: this.#address,
      stack: this.#config.stack,
      inference: () => scorer,
      nowMs: () => ports.clock.nowMs(),
    }
    if (!asView) return () => {}
    const view = new LiveView(source, process.stdout)
    this.#view = view
    const timer = setInterval(() => view.draw(), viewMs)
    return () => {
      clearInterval(timer)
      view.draw()
      view.done()
      this.#view = undefined
    }
  }

  /** Waits for the next finished batch, a second at most. */
  #nextBatch(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.ports.clock.after(1_000, resolve)
      this.#wake = () => {
        cancel()
        this.#wake = () => {}
        resolve()
      }
    })
  }

  async #settled(done: () => Promise<boolean>, stopped: StopSignal): Promise<void> {
    const giveUpMs = this.#parts.ports.clock.nowMs() + settleMsMax
    while (!stopped.asked && this.#parts.ports.clock.nowMs() < giveUpMs && !(await done())) await this.#nextBatch()
  }
}
