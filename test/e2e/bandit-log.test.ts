import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type BanditReplay, replayBandit } from '../../cli/bandit-replay.ts'
import { type BanditReport, banditReports } from '../../cli/bandit-report.ts'
import { type OpenPorts, openPorts } from '../../cli/compose.ts'
import { loadConfig } from '../../cli/config.ts'
import { exportTopic } from '../../cli/export-topic.ts'
import { readTopic } from '../../cli/read-topic.ts'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedStateStore } from '../../connectors/embedded/state-store.ts'
import { createLocalInference } from '../../gpu-workers/local-inference.ts'
import { learnedFamily } from '../../operators/explorer-sums.ts'
import type { Decision } from '../../schemas/decision.ts'
import type { Recommendation } from '../../schemas/recommendation.ts'
import type { Reward } from '../../schemas/reward.ts'
import type { TopicName, TopicValue } from '../../schemas/topics.ts'
import { CliFolder, projectFolder } from '../cli/run-cli.ts'
import { waitUntil } from '../conformance/wait-until.ts'

const folders: CliFolder[] = []
afterAll(() => Promise.all(folders.map((folder) => folder.close())))

const small = ['--set', 'simulator.users=200', '--set', 'simulator.items=300', '--set', 'rewards.waitMs=3000']
const corrected = ['--set', 'rewards.update=provisional', '--set', 'rewards.waits.purchaseMs=20000']
const ports = ['--set', 'gateway.port=0', '--set', 'admin.port=0']
const repository = join(projectFolder, 'models', 'repository')
const models = ['--set', `inference.repository=${repository}`, '--set', 'inference.deadlineMs=10000']

/** As much of the shop as makes lists and rewards within seconds. */
const realTime = ['--set', 'simulator.eventsPerSecond=300', '--set', 'rewards.latenessMs=500']

/** Something else in the stored sums: what a fault of ours, or somebody's hand, might leave. */
async function spoil(folder: CliFolder): Promise<void> {
  const database = openEmbeddedDatabase(join(folder.path, 'test.db'))
  const store = new EmbeddedStateStore(database)
  for (const partition of await store.tasks('bandit')) {
    const task = { topology: 'bandit', partition }
    for await (const slice of store.scan(task))
      for (const [key, bytes] of slice) {
        if (!key.startsWith(`${learnedFamily.name}:`)) continue
        const state = learnedFamily.codec.decode(bytes)
        state.arms[0]!.sums[0]! += 1e-6
        const { epoch, positions } = await store.openTask(task)
        const writes = new Map([[key, learnedFamily.codec.encode(state)]])
        await store.commit(task, { epoch, from: positions, to: positions, writes, ttlS: 0 })
      }
  }
  await store.close()
  database.close()
}

/** Who explores what, a third of the people each: items are seen by what the ranker's last layer holds of them. */
const explorers = {
  id: 'explorers',
  variants: [
    { name: 'sources', settings: { explore: { policy: 'lin-ucb', epsilon: 0.5 } } },
    { name: 'items', settings: { explore: { over: 'item', policy: 'neural-linear', itemContext: 'hidden' } } },
    {
      name: 'rankers',
      settings: { explore: { over: 'ranker', rankers: ['1', '2', 'linear'], policy: 'linear-thompson', epsilon: 0.5 } },
    },
  ],
}
const explorerNames = explorers.variants.map(({ settings }) => settings.explore.policy)

/** Rewards that each of them has learned from. */
async function rewardsLearned(stack: OpenPorts): Promise<number[]> {
  const updates = await readAll(stack, 'bandit-updates')
  return explorerNames.map((name) =>
    Math.max(0, ...updates.flatMap(({ explorer, decisions }) => (explorer.policy === name ? [decisions] : []))),
  )
}

const newestMax = 50

/** The newest lists, fifty if there are as many. */
async function newestLists({ log, wire }: OpenPorts): Promise<Recommendation[]> {
  const lists: { loggedMs: number; value: Recommendation }[] = []
  if ((await log.partitions('recommendations')) === 0) return []
  for (const [partition, { start, end }] of (await log.offsets('recommendations')).entries()) {
    const from = Math.max(start, end - newestMax)
    if (end <= from) continue
    for await (const { records } of log.read('recommendations', partition, { from, to: end }))
      for (const { value, timestampMs } of records)
        if (value) lists.push({ loggedMs: timestampMs, value: wire.decode('recommendations', value) })
  }
  const sorted = lists.sort((a, b) => a.loggedMs - b.loggedMs)
  return sorted.slice(-newestMax).map(({ value }) => value)
}

/** Whether somebody drew something for a list, by what it tells and by its slots. */
function explores({ exploration, items }: Recommendation): boolean {
  return exploration !== null || items.some(({ explored, propensity }) => explored || propensity !== 1)
}

async function readAll<N extends TopicName>(stack: OpenPorts, topic: N): Promise<TopicValue<N>[]> {
  const values: TopicValue<N>[] = []
  for await (const { value } of readTopic(stack, topic)) if (value !== null) values.push(value)
  return values
}

/** Asks the published ranker for the last layer of what was drawn: it is what the policy saw of it, in thousandths. */
async function expectHiddenLayer(decisions: readonly Decision[]): Promise<void> {
  expect(decisions.length).toBeGreaterThan(10)
  const inference = await createLocalInference({ repository })
  for (const { exploration, slots, modelVersion } of decisions.slice(0, 20)) {
    const { slot, arms, context } = exploration!
    const width = context.length / arms.length
    const { itemId, features, explored } = slots.find(({ position }) => position === slot)!
    const saw = context.slice(arms.indexOf(itemId) * width).slice(0, width)
    const { columns } = JSON.parse(await readFile(join(repository, 'ranker', modelVersion, 'run.json'), 'utf8'))
    const data = new Float32Array(Uint8Array.from(features).buffer).subarray(0, columns.length)
    const asked = {
      inputs: [{ name: 'features', datatype: 'FP32', shape: [1, data.length], data }],
      outputs: ['hidden'],
    } as const
    const answer = await inference.infer({ model: 'ranker', version: modelVersion, deadlineMs: 10_000, ...asked })
    const layer = Array.from(answer.outputs[0]!.data, Number)
    expect([explored, width, saw[0]]).toEqual([true, 33, 1])
    layer.forEach((value, at) => {
      expect(Math.abs(saw[at + 1]! - value)).toBeLessThan(0.000_51)
    })
  }
  await inference.close()
}

function newFolder(): CliFolder {
  const folder = new CliFolder()
  folders.push(folder)
  return folder
}

/** A run of the shop in a folder of its own, exploring as these settings say. */
async function runShop(explore: Readonly<Record<string, string | number>>): Promise<CliFolder> {
  const folder = newFolder()
  const settings = Object.entries(explore).flatMap(([key, value]) => ['--set', `recommendations.explore.${key}=${value}`])
  const { code, stderr } = await folder.run('start', '--events', '900', ...small, ...corrected, ...ports, ...settings)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return folder
}

/** The last row of each decision in `rewards.jsonl`: that is the one that counts. */
async function exported(folder: CliFolder): Promise<Reward[]> {
  const lines = (await readFile(join(folder.path, 'rewards.jsonl'), 'utf8')).trim().split('\n')
  return [...new Map(lines.map((line) => [JSON.parse(line).decisionId, JSON.parse(line) as Reward])).values()]
}

/** The first showing of each explored list: an estimate counts a draw once. */
function firstShowings(rewards: readonly Reward[]): Reward[] {
  const explored = rewards.filter(({ exploration }) => exploration !== null).sort((a, b) => b.timeMs - a.timeMs)
  return [...new Map(explored.map((reward) => [reward.listId, reward])).values()]
}

interface Judged {
  readonly rows: number
  readonly estimates: readonly { readonly estimator: string; readonly value: number }[]
}

describe('the engine’s own log after a run of the shop', { timeout: 300_000 }, () => {
  it('over sources, rankers, and items by the ranker’s last layer: turned on and off while it runs, told, replayed, judged', async () => {
    const folder = newFolder()
    await writeFile(join(folder.path, 'explorers.json'), JSON.stringify(explorers))
    const off = ['exploration', 'off', '--reason', 'opening day']
    expect(await folder.run(...off)).toMatchObject({ code: 0, stdout: 'lists of home do not explore any more\n' })
    expect(await folder.run('experiment', 'create', 'explorers.json', ...models)).toMatchObject({ code: 0 })
    const shop = folder.start('start', ...small, ...corrected, ...ports, ...models, ...realTime)
    const stack = await openPorts(loadConfig(undefined, { partitions: 4, embedded: { path: join(folder.path, 'test.db') } }))

    // What was said before it started holds.
    await waitUntil('there are lists', async () => (await newestLists(stack)).length === newestMax, 60_000)
    expect((await newestLists(stack)).filter(explores)).toEqual([])
    expect(await folder.json('exploration', 'on')).toMatchObject({ code: 0, value: { surface: 'home', explores: true } })
    await waitUntil('most lists explore', async () => (await newestLists(stack)).filter(explores).length > newestMax / 2, 60_000)
    await waitUntil('all have learned', async () => (await rewardsLearned(stack)).every((rewards) => rewards > 30), 60_000)
    expect(await folder.run(...off)).toMatchObject({ code: 0 })
    await waitUntil('no list explores', async () => !(await newestLists(stack)).some(explores), 60_000)
    shop.child.kill('SIGTERM')
    expect(await shop.ended).toMatchObject({ code: 0 })

    const [nowhere, unsaid, stops, rebuilt] = await Promise.all([
      folder.run('exploration', 'on', 'cart'),
      folder.run('exploration', 'off'),
      folder.json('exploration', 'ls'),
      folder.json('bandit', 'rebuild', '--check'),
    ])
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('exploration is not off on cart, but on: home') })
    expect(unsaid).toMatchObject({ code: 4, stderr: expect.stringContaining('off needs --reason') })
    expect(stops.value).toMatchObject([{ surface: 'home', reason: 'opening day' }])
    // Read here: a process each would cost a second.
    const reports = banditReports(await readAll(stack, 'bandit-updates'))
    const [sources, items, rankers] = explorerNames.map((name) => reports.find(({ policy }) => policy === name)!)
    expect(sources).toMatchObject({ over: 'source', version: 'alpha=1,lambda=1,context=1', segment: '' })
    expect(items).toMatchObject({ over: 'item', version: 'lambda=1,shape=1,scale=0.25,over=item,context=hidden', segment: '@2' })
    expect(rankers).toMatchObject({ over: 'ranker', segment: '' })
    expect(rankers!.arms.map(({ arm }) => arm).sort()).toEqual(['1', '2', 'linear'])
    expect(rankers!.arms.reduce((sum, arm) => sum + arm.decisions, 0)).toBe(rankers!.rewards)
    const { decisions, same } = await replayBandit(stack, 10_000)
    expect([decisions >= sources!.rewards + items!.rewards + rankers!.rewards, same]).toEqual([true, decisions])
    expect(rebuilt).toMatchObject({ code: 0, value: { different: 0 } })
    await expectHiddenLayer((await readAll(stack, 'decisions')).filter(({ exploration }) => exploration?.over === 'item'))
    await exportTopic(stack, 'rewards', join(folder.path, 'rewards.jsonl'))
    await stack.close()

    const choices = (await exported(folder)).filter(({ exploration }) => exploration?.over === 'ranker')
    expect(choices.length).toBeGreaterThanOrEqual(rankers!.rewards) // The last ones may not have been learned yet.
    const weighted = firstShowings(choices).map(({ exploration, rung, modelVersion, slots }) => {
      const { arms, chances } = exploration!
      const chance = chances[arms.indexOf(rung === 'ranker' ? modelVersion : rung)]!
      for (const { slot } of slots) expect(slot).toMatchObject({ explored: true, propensity: chance })
      return Math.max(...slots.map(({ reward }) => reward)) / (arms.length * chance)
    })
    const judged = await folder.json('evaluate', 'policy', '--log', 'rewards.jsonl', '--policy', 'uniform', '--over', 'ranker')
    const { rows, estimates } = judged.value as Judged
    expect({ code: judged.code, rows }).toEqual({ code: 0, rows: weighted.length })
    const ips = estimates.find(({ estimator }) => estimator === 'IPS')!.value
    expect(ips).toBeCloseTo(weighted.reduce((sum, value) => sum + value, 0) / rows, 12)
  })

  it('over slates: all that, carries an estimate by slates, and gives a spoiled state back', async () => {
    const folder = await runShop({ over: 'slate', policy: 'lin-ucb', epsilon: 0.5, marginalDraws: 100 })
    const shown = await folder.json('bandit', 'show', '--plot', 'arms.svg')
    const [report] = shown.value as BanditReport[]
    const version = 'alpha=1,lambda=1,over=slate,context=item-1'
    expect(report).toMatchObject({ listPolicy: 'learned', over: 'slate', policy: 'lin-ucb', version, segment: '', regret: null })
    expect(report!.rewards).toBeGreaterThan(30)
    expect(report!.arms.reduce((sum, { decisions }) => sum + decisions, 0)).toBe(report!.rewards)
    expect(await readFile(join(folder.path, 'arms.svg'), 'utf8')).toMatch(/^<svg[\s\S]+<circle[\s\S]+<\/svg>\n$/)
    const replayed = await folder.json('bandit', 'replay')
    const { decisions, same } = replayed.value as BanditReplay
    expect({ code: replayed.code, same }).toEqual({ code: 0, same: decisions })

    expect(await folder.run('export', 'rewards', '--out', 'rewards.jsonl')).toMatchObject({ code: 0 })
    const rewards = await exported(folder)
    const judged = await folder.json('evaluate', 'policy', '--log', 'rewards.jsonl', '--policy', 'uniform')
    const { rows, estimates } = judged.value as Judged
    const weighted = firstShowings(rewards).flatMap(weightedReward)
    expect(rewards.filter(({ revision }) => revision > 0).length).toBeGreaterThan(10)
    expect({ code: judged.code, rows }).toEqual({ code: 0, rows: weighted.length })
    expect([rows > 10, rows <= decisions]).toEqual([true, true])
    const ips = estimates.find(({ estimator }) => estimator === 'slate IPS')!.value
    expect(ips).toBeCloseTo(weighted.reduce((sum, value) => sum + value, 0) / rows, 12)
    expect(estimates.map(({ estimator }) => estimator)).toEqual(['slate IPS', 'RIPS', 'cascade-DR', 'IIPS'])

    await spoil(folder)
    const checked = await folder.json('bandit', 'rebuild', '--check')
    expect(checked).toMatchObject({ code: 1, value: { different: 1 } })
    expect(await folder.json('bandit', 'rebuild')).toMatchObject({ code: 4 })
    expect(await folder.json('bandit', 'rebuild', '--reason', 'spoiled')).toMatchObject({ code: 0, value: { different: 1 } })
    const mended = await folder.json('bandit', 'rebuild', '--check')
    expect(mended).toMatchObject({ code: 0, value: { different: 0 } })
  })
})

/** Reward · Π (1 / arms left) / propensity of the explored slots together, of showings that hold all of them. */
function weightedReward({ exploration, slots }: Reward): number[] {
  const explored = slots.filter(({ slot }) => slot.explored)
  if (!exploration || explored.length !== exploration.places) return [] // A page that shows a part of it.
  const weight = explored.reduce((product, { slot }, at) => product / (exploration.arms.length - at) / slot.propensity, 1)
  return [weight * explored.reduce((sum, { reward }) => sum + reward, 0)]
}
