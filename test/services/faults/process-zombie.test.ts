import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EngineStatus } from '../../../cli/admin-client.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import type { EngineProcess } from '../../e2e/engine-process.ts'
import { describeWithServices } from '../require-service.ts'
import { FaultStage } from './fault-stage.ts'

const rounds = 3
const burst = 2_500
/** What comes while it sleeps: however fast the burst was applied, there is work for it. */
const meanwhile = 500
const topologies = ['user-features', 'item-features']

describeWithServices(['kafka', 'registry', 'redis'], 'an engine process that sleeps past its session', ([, registry]) => {
  let stage: FaultStage
  let sleeping: EngineProcess | undefined
  beforeAll(async () => {
    stage = await FaultStage.open({
      name: 'process-zombie',
      registry: registry!,
      partitions: 4,
      topologies,
      events: 12_000,
      sessionTimeoutMs: 2_000,
    })
  })
  afterAll(async () => {
    sleeping?.child.kill('SIGCONT')
    await stage?.close()
  })

  /** All state by topology, partition and key. What was applied of user events is in it; of repeated signals only the position moves. */
  const state = async () => {
    const all = new Map<string, string>()
    for (const topology of topologies)
      for (const [key, bytes] of await stage.stack.state(topology))
        all.set(`${topology} ${key}`, Buffer.from(bytes).toString('hex'))
    return all
  }

  it('SIGSTOP in the middle of its work, SIGCONT after others took over: it is fenced, changes nothing and joins again', async () => {
    const [zombie, other] = await Promise.all([stage.startEngine(), stage.startEngine()])
    let fenced = 0
    for (let round = 0; round < rounds; round++) {
      await stage.untilEachOwnedOnce([zombie, other])
      const owned = await stage.owned(zombie)
      const goal = (await stage.applied()) + 200
      const feeding = stage.feed(burst)
      await waitUntil('some of the burst is applied', async () => (await stage.applied()) >= goal)
      zombie.child.kill('SIGSTOP')
      sleeping = zombie
      stage.faults++
      await feeding
      await stage.feed(meanwhile)
      expect(await stage.hasWork(owned), 'its fetches are answered while it sleeps').toBe(true)
      // The other one takes all over and finishes the zombie's work.
      await stage.untilEachOwnedOnce([other])
      await stage.untilCaughtUp()
      const before = await state()
      zombie.child.kill('SIGCONT')
      sleeping = undefined
      await waitUntil('the zombie was refused by the store', async () => fencedOf(await zombie.status()) > fenced)
      fenced = fencedOf(await zombie.status())
      await waitUntil('the zombie has joined again', async () => (await stage.owned(zombie)).length > 0)
      // It may have sent signals a second time; whoever owns their readers now must have skipped them.
      await stage.untilCaughtUp()
      const after = await state()
      expect(before.size).toBeGreaterThan(100)
      expect([...after].filter(([key, hex]) => before.get(key) !== hex).map(([key]) => key)).toEqual([])
      expect(after.size).toBe(before.size)
      expect(zombie.child.exitCode, zombie.output).toBeNull()
    }
    expect(zombie.output).toContain('A newer owner has this partition')
    // The other one never slept, so nobody had a reason to refuse it.
    await stage.untilEachOwnedOnce([zombie, other])
    console.info(`commits of a zombie refused: ${fenced}`)
    await stage.expectZeroDifferences('put to sleep past the session and woken')
  })

  it('an owner whose epoch was taken by somebody who had no right to it takes its task anew: no task stands still for ever', async () => {
    const engines = await Promise.all([stage.startEngine(), stage.startEngine()])
    await stage.untilEachOwnedOnce(engines)
    // What a process does that was put to sleep while it opened its tasks, and woke when the group had given them to others.
    const { state } = stage.stack.ports
    for (const topology of topologies) for (const partition of [0, 1, 2, 3]) await state.openTask({ topology, partition })
    stage.faults++
    await stage.feed(1_000)
    await stage.untilEachOwnedOnce(engines)
    await stage.expectZeroDifferences('and the epoch of every task taken away')
  })
})

/** Commits of this process that the store refused because of a newer owner. */
function fencedOf({ topologies }: EngineStatus): number {
  return topologies.reduce((sum, { fenced }) => sum + fenced, 0)
}
