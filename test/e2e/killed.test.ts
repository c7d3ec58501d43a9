import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { readRewards } from '../../cli/read-rewards.ts'
import { readTopic } from '../../cli/read-topic.ts'
import { createRandom } from '../../core/random.ts'
import { tallyFamily } from '../../operators/fold-experiments.ts'
import { timeFamily } from '../../runtime/task-time.ts'
import type { RevenueTile } from '../../schemas/revenue-tile.ts'
import type { Reward } from '../../schemas/reward.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { onTime, type RevenueDefinition, revenueOf, sumsOf } from '../topologies/attribution-definition.ts'
import { peopleIn, talliesOf } from '../topologies/experiments-definition.ts'
import { EngineProcess } from './engine-process.ts'
import { recordedShop, Stack } from './stack.ts'

const rounds = 4
const folder = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
let stack: Stack
let engine: EngineProcess | undefined

beforeAll(async () => {
  const config = loadConfig(undefined, {
    partitions: 2,
    embedded: { path: join(folder, 'test.db') },
    rewards: { waitMs: 60_000, waits: { purchaseMs: 600_000 }, update: 'provisional' },
    inference: { repository: join(folder, 'none') },
  })
  stack = await Stack.open(config)
})
afterAll(async () => {
  await engine?.kill()
  await stack?.close()
  rmSync(folder, { recursive: true, force: true })
})

it('killed again and again while it works, the embedded engine ends with the fold of the log', { timeout: 120_000 }, async () => {
  const records = recordedShop({ events: 6_000 }).map((record) => stack.encoded(record))
  const random = createRandom('kills')
  const share = Math.ceil(records.length / rounds)
  let unfinished = 0
  for (let round = 0; round < rounds; round++) {
    engine = new EngineProcess(stack.config, folder)
    await stack.append(records.slice(round * share, (round + 1) * share))
    const before = await appliedBy(stack)
    // Dies somewhere in the first half of what it found.
    const goal = before + 1 + random.below(share / 2)
    await waitUntil('it has applied some', async () => (await appliedBy(stack)) >= goal, 60_000)
    await engine.kill()
    if (!(await stack.caughtUp())) unfinished++
  }
  engine = new EngineProcess(stack.config, folder)
  await engine.ready()
  await stack.untilCaughtUp()
  expect(await engine.stop(), engine.output).toBe(0)
  const { wrong, records: folded, keys, reports } = await stack.verify()
  console.info(`killed ${rounds} times, ${unfinished} in the middle of its work; ${folded} records folded, ${keys} keys compared`)
  expect(wrong).toEqual([])
  expect(unfinished).toBeGreaterThan(0)
  expect(new Set(reports.map(({ topology }) => topology))).toEqual(
    new Set(['user-features', 'item-features', 'rewards', 'bandit', 'experiments', 'attribution']),
  )
  expect(keys).toBeGreaterThan(400)
  // Each delta counted once, and none missed: the sums are those of the joined rows, by a definition of their own.
  const rows = await joinedRows()
  const corrections = rows.filter(({ revision }) => revision > 0)
  expect(corrections.length).toBeGreaterThan(30)
  const wanted = talliesOf(peopleIn(rows))
  const tallies = [...(await stack.state('experiments'))].filter(([place]) => / tally:/.test(place))
  expect(tallies.map(([place, bytes]) => [place.replace(/^\d+ tally:/, ''), tallyFamily.codec.decode(bytes).variants])).toEqual([
    ...wanted,
  ])
  const [variants = []] = wanted.values()
  console.info(
    `of ${rows.length} rows ${corrections.length} corrections; experiment totals exact: ${JSON.stringify(variants.map(({ variant, people, sums }) => ({ variant, people, sums })))}`,
  )
  expect(variants.map(({ people }) => people > 30)).toEqual([true, true])
  // So is revenue: what was told last of each tile is what a definition without state makes of the log up to the stored time.
  const found = await revenueTold()
  expect(found).toEqual(await revenueWanted())
  console.info(
    `revenue exact: ${JSON.stringify([...found.values()].flatMap((sums) => [...sums].filter(([name]) => /^\d+$/.test(name))))}`,
  )
})

it('a state key that somebody changed is found', async () => {
  const task = { topology: 'user-features', partition: 1 }
  const { epoch, positions } = (await stack.ports.state.openTask(task))!
  const state = await stack.state('user-features')
  const [place, bytes] = [...state].find(([key]) => key.startsWith('1 user:'))!
  const broken = Uint8Array.from(bytes)
  broken[broken.length - 1] = broken.at(-1)! ^ 1
  const key = place.slice(2)
  await stack.ports.state.commit(task, { epoch, from: positions, to: positions, writes: new Map([[key, broken]]), ttlS: 0 })
  expect((await stack.verify()).reports.flatMap((report) => report.differences)).toMatchObject([{ task: 'user-features.1', key }])
})

/** The rows of `rewards` without what was sent again after a kill, each task's in the order of its numbers. */
async function joinedRows(): Promise<Reward[]> {
  const rows: Reward[] = []
  for await (const row of readRewards(stack.ports)) rows.push(row)
  return rows.sort((a, b) => a.sourcePartition - b.sourcePartition || a.sequence - b.sequence)
}

/** The newest sums of each task. */
async function revenueTold(): Promise<Map<number, RevenueDefinition['sums']>> {
  const tiles = new Map<string | null, RevenueTile>()
  for await (const { key, value } of readTopic(stack.ports, 'revenue-tiles')) if (value) tiles.set(key, value)
  const own = Map.groupBy(tiles.values(), ({ partition }) => partition)
  return new Map([...own].sort(([a], [b]) => a - b).map(([partition, each]) => [partition, sumsOf(each)]))
}

/** The same by the definition. */
async function revenueWanted(): Promise<Map<number, RevenueDefinition['sums']>> {
  const { latenessMs } = stack.config.attribution
  const state = await stack.state('attribution')
  const decisions = await Array.fromAsync(readTopic(stack.ports, 'decisions'))
  const events = await Array.fromAsync(readTopic(stack.ports, 'user-events'))
  const wanted = new Map<number, RevenueDefinition['sums']>()
  for (const partition of await stack.ports.state.tasks('attribution')) {
    const { reachedMs } = timeFamily.codec.decode(state.get(`${partition} ~time:`)!)
    const shown = decisions.flatMap((record) => (record.partition === partition && record.value ? [record.value] : []))
    const done = events.flatMap((record) => (record.partition === partition && record.value ? [record.value] : []))
    const { sums } = revenueOf(
      onTime(shown, ({ decisionId }) => decisionId, latenessMs),
      onTime(done, ({ eventId }) => eventId, latenessMs),
      reachedMs!,
      stack.config.attribution,
    )
    wanted.set(partition, sums)
  }
  return wanted
}

/** Records that `user-features` has applied, by its stored positions. */
async function appliedBy({ ports }: Stack): Promise<number> {
  let applied = 0
  for (const partition of await ports.state.tasks('user-features')) {
    const progress = await ports.state.progress({ topology: 'user-features', partition })
    applied += progress?.positions['user-events'] ?? 0
  }
  return applied
}
