import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Config, loadConfig } from '../../cli/config.ts'
import { freePort } from '../../cli/services/free-port.ts'
import { startKafka } from '../../cli/services/kafka-service.ts'
import { startRedisServer } from '../../cli/services/redis-service.ts'
import type { Service } from '../../cli/services/service.ts'
import type { ServiceProcess } from '../../cli/services/service-process.ts'
import { artifactsDir } from '../../cli/services/services.ts'
import { systemClock } from '../../core/clock.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { EngineProcess } from '../e2e/engine-process.ts'
import { recordedShop, Stack } from '../e2e/stack.ts'
import { describeWithServices } from './require-service.ts'
import { TcpProxy } from './tcp-proxy.ts'

const partitions = 2
const only = 'user-features'
/** How long the store is away under load. */
const awayMs = 30_000
/** Sent at the beginning, so that code and caches have their size; then, more than the engine may hold, while the store is away. */
const events = { before: 10_000, away: 50_000 }
/** What collecting later may leave lying about. */
const slackBytes = 64 * 1024 * 1024

// Kafka of its own: its topics must be empty at first.
describeWithServices(['kafka', 'registry', 'redis'], 'the store is cut off under load', ([, registry]) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bounds-'))
  let kafka: Service
  let redis: ServiceProcess
  let proxy: TcpProxy
  let config: Config
  let stack: Stack
  let engine: EngineProcess

  beforeAll(async () => {
    vi.stubEnv('MILLRACE_TOPOLOGIES', only) // For the engine's process too.
    const [kafkaPort, redisPort] = [await freePort(0, 'kafka'), await freePort(0, 'redis')]
    const shared = { cacheDir: artifactsDir(), detached: false, log() {} }
    const [broker, server] = await Promise.all([
      startKafka({ ...shared, dir: join(folder, 'kafka'), port: kafkaPort }),
      startRedisServer({ ...shared, name: 'redis', dir: join(folder, 'redis'), port: redisPort, extraArgs: [] }),
    ])
    kafka = broker
    redis = server
    proxy = new TcpProxy(redisPort)
    const overrides = {
      stack: 'distributed',
      partitions,
      kafka: { brokers: [kafka.address] },
      registry: { url: registry },
      inference: { repository: join(folder, 'none') },
      log: { level: 'silent' },
    }
    // The test looks at the store itself, the engine through the wire that is cut.
    stack = await Stack.open(loadConfig(undefined, { ...overrides, redis: { url: `redis://127.0.0.1:${redisPort}` } }))
    config = loadConfig(undefined, { ...overrides, redis: { url: `redis://127.0.0.1:${await proxy.listen()}` } })
    engine = new EngineProcess(config, folder)
    await engine.ready()
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await engine?.kill()
    await stack?.close()
    await proxy?.close()
    await Promise.all([redis, ...(kafka?.processes ?? [])].map((process) => process?.stop()))
    rmSync(folder, { recursive: true, force: true })
  })

  /** Events that the store says are applied. */
  const appliedEvents = async () => {
    let applied = 0
    for (let partition = 0; partition < partitions; partition++)
      applied += (await stack.ports.state.progress({ topology: only, partition }))?.positions['user-events'] ?? 0
    return applied
  }

  it('memory stays flat, nothing is applied, and all of it is once the store is back', { timeout: 240_000 }, async () => {
    const shop = recordedShop({ events: events.before + events.away, users: 2_000, eventsPerSecond: 200 })
    const records = shop.map((record) => stack.encoded(record))
    await stack.append(records.splice(0, events.before))
    await stack.untilCaughtUp(90_000, [only])
    const atRest = residentBytes(engine)

    const appliedBefore = await appliedEvents()
    proxy.refuse = true
    proxy.cut()
    const cutMs = systemClock.elapsedMs()
    const batch = Math.ceil(records.length / 100)
    const samples: number[] = []
    // Evenly over three quarters of the time; then the wire stays dead.
    while (systemClock.elapsedMs() - cutMs < awayMs) {
      if (records.length > 0) await stack.append(records.splice(0, batch))
      const nextMs = cutMs + (samples.length + 1) * (awayMs / 130)
      await waitUntil('the next look', () => systemClock.elapsedMs() >= nextMs, awayMs)
      samples.push(residentBytes(engine))
    }
    expect(records).toEqual([])
    const [topology] = (await engine.status()).topologies
    expect(topology).toMatchObject({ name: only, state: 'waiting' })
    expect(await appliedEvents()).toBe(appliedBefore)

    const third = Math.floor(samples.length / 3)
    const [early, late] = [Math.max(...samples.slice(0, third)), Math.max(...samples.slice(-third))]
    const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024)
    console.info(
      `resident MiB: at rest ${mebibytes(atRest)}, first third away ${mebibytes(early)}, last third ${mebibytes(late)}`,
    )
    expect(late - early).toBeLessThan(slackBytes)

    proxy.refuse = false
    await stack.untilCaughtUp(120_000, [only])
    expect(await engine.stop()).toBe(0)
    const { wrong, keys } = await stack.verify(only)
    expect(wrong).toEqual([])
    expect(keys).toBeGreaterThan(1_000)
  })
})

/** Memory that the process holds, as the system counts it. */
function residentBytes({ child }: EngineProcess): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
  return Number(found![1]) * 1024
}
