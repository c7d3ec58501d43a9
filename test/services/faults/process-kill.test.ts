import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRandom } from '../../../core/random.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import { describeWithServices } from '../require-service.ts'
import { FaultStage } from './fault-stage.ts'

const kills = 5
const burst = 1_500

describeWithServices(['kafka', 'registry', 'redis'], 'engine processes killed in a loop', ([, registry]) => {
  let stage: FaultStage
  beforeAll(async () => {
    stage = await FaultStage.open({
      name: 'process-kill',
      registry: registry!,
      partitions: 4,
      topologies: ['user-features', 'item-features', 'rewards', 'bandit', 'experiments', 'attribution'],
      events: 10_000,
      sessionTimeoutMs: 2_000,
    })
  })
  afterAll(() => stage?.close())

  it('kill -9 under load again and again, one of two each time: the state is the fold of the log', async () => {
    const random = createRandom('process-kill')
    const running = await Promise.all([stage.startEngine(), stage.startEngine()])
    let unfinished = 0
    for (let round = 0; round < kills; round++) {
      await stage.untilEachOwnedOnce(running)
      const victim = running.splice(random.below(2), 1)[0]!
      const owned = await stage.owned(victim)
      const goal = (await stage.applied()) + 1 + random.below(burst / 4)
      const feeding = stage.feed(burst)
      await waitUntil('some of the burst is applied', async () => (await stage.applied()) >= goal)
      await victim.kill()
      stage.faults++
      await feeding
      if (await stage.hasWork(owned)) unfinished++
      running.push(await stage.startEngine())
    }
    expect(stage.faults).toBe(kills)
    // Else it died between two bursts, which proves little.
    expect(unfinished).toBeGreaterThanOrEqual(kills / 2)
    await stage.untilEachOwnedOnce(running)
    await stage.expectZeroDifferences(`killed with -9 (${unfinished} with work open)`)
  })
})
