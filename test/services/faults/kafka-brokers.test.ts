import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../conformance/wait-until.ts'
import type { EngineProcess } from '../../e2e/engine-process.ts'
import { describeWithServices } from '../require-service.ts'
import { BrokerTrio } from './broker-trio.ts'
import { FaultStage } from './fault-stage.ts'
import { steadyFeed } from './steady-feed.ts'

const partitions = 4
const group = 'millrace.user-features'

describeWithServices(['kafka', 'registry', 'redis'], 'three Kafka brokers that come and go under load', ([, registry]) => {
  let dir: string
  let brokers: BrokerTrio
  let stage: FaultStage
  let engines: EngineProcess[]
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'millrace-brokers-'))
    brokers = await BrokerTrio.start(dir)
    stage = await FaultStage.open({
      name: 'kafka-brokers',
      registry: registry!,
      partitions,
      topologies: ['user-features', 'item-features'],
      events: 20_000,
      sessionTimeoutMs: 6_000,
      brokers: { addresses: brokers.addresses, replicationFactor: 3 },
    })
    engines = await Promise.all([stage.startEngine(), stage.startEngine()])
  })
  afterAll(async () => {
    await stage?.close()
    await brokers?.stop(brokers.ids, 'SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })

  /** Plays one fault under load; afterwards the same engine processes must work on all partitions, and the state be the fold of the log. */
  async function survives(what: string, fault: () => Promise<void>): Promise<void> {
    await stage.untilEachOwnedOnce(engines)
    const feed = steadyFeed(stage, { records: 10, everyMs: 40 })
    const before = await stage.applied()
    await waitUntil('the load flows', async () => (await stage.applied()) > before + 200)
    await fault()
    const after = await stage.applied()
    await waitUntil('the load flows again', async () => (await stage.applied()) > after + 200, 60_000)
    await feed.stop()
    await stage.untilEachOwnedOnce(engines)
    for (const { child, output } of engines) expect(child.exitCode, output).toBeNull()
    await stage.expectZeroDifferencesLive(what)
  }

  async function bounce(ids: readonly number[], signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await brokers.stop(ids, signal)
    stage.faults += ids.length
    await brokers.start(ids)
  }

  it('the leader of a partition is restarted', async () => {
    await survives('leader restarted', async () => bounce([await brokers.leaderOf('user-events', 0)], 'SIGTERM'))
  })

  it('the coordinator of a group is restarted', async () => {
    await survives('coordinator restarted', async () => bounce([await brokers.coordinatorOf(group)], 'SIGTERM'))
  })

  it('a broker is killed hard, the stream goes on without it, and it comes back', async () => {
    await survives('one broker killed with -9', async () => {
      const id = await brokers.leaderOf('user-events', 1)
      await brokers.stop([id], 'SIGKILL')
      stage.faults++
      const mark = await stage.applied()
      await waitUntil('two of three brokers carry the load', async () => (await stage.applied()) > mark + 500, 60_000)
      await brokers.start([id])
    })
  })

  it('all three are killed hard at once and come back', async () => {
    await survives('all brokers killed with -9', () => bounce(brokers.ids, 'SIGKILL'))
    await stage.expectZeroDifferences('and after a clean stop')
  })
})
