import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EngineStatus } from '../../../cli/admin-client.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import type { EngineProcess } from '../../e2e/engine-process.ts'
import { describeWithServices } from '../require-service.ts'
import { FaultStage } from './fault-stage.ts'

const rounds = 3
const burst = 2_500
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

  /** What the store holds of every task: what a fenced owner must not change. */
  const progress = async () => {
    const tasks = topologies.flatMap((topology) => [0, 1, 2, 3].map((partition) => ({ topology, partition })))
    return await Promise.all(tasks.map((task) => stage.stack.ports.state.progress(task)))
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
      expect(await stage.hasWork(owned), 'it had work open when it fell asleep').toBe(true)
      await feeding
      // The other one takes all over and finishes the zombie's work.
      await stage.untilEachOwnedOnce([other])
      await stage.untilCaughtUp()
      const before = await progress()
      zombie.child.kill('SIGCONT')
      sleeping = undefined
      await waitUntil('the zombie was refused by the store', async () => fencedOf(await zombie.status()) > fenced)
      fenced = fencedOf(await zombie.status())
      await waitUntil('the zombie has joined again', async () => (await stage.owned(zombie)).length > 0)
      // No record came since: positions stand still, whoever owns the task now.
      expect((await progress()).map((each) => each?.positions)).toEqual(before.map((each) => each?.positions))
      expect(zombie.child.exitCode, zombie.output).toBeNull()
    }
    expect(zombie.output).toContain('A newer owner has this partition')
    // The other one never slept, so nobody had a reason to refuse it.
    await stage.untilEachOwnedOnce([zombie, other])
    console.info(`commits of a zombie refused: ${fenced}`)
    await stage.expectZeroDifferences('put to sleep past the session and woken')
  })
})

/** Commits of this process that the store refused because of a newer owner. */
function fencedOf({ topologies }: EngineStatus): number {
  return topologies.reduce((sum, { fenced }) => sum + fenced, 0)
}
