import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { BanditReplay } from '../../cli/bandit-replay.ts'
import type { BanditReport } from '../../cli/bandit-report.ts'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedStateStore } from '../../connectors/embedded/state-store.ts'
import { learnedFamily } from '../../operators/explorer-sums.ts'
import type { Reward } from '../../schemas/reward.ts'
import { CliFolder, projectFolder } from '../cli/run-cli.ts'

const folders: CliFolder[] = []
afterAll(() => Promise.all(folders.map((folder) => folder.close())))

const small = ['--set', 'simulator.users=200', '--set', 'simulator.items=300', '--set', 'rewards.waitMs=3000']
const corrected = ['--set', 'rewards.update=provisional', '--set', 'rewards.waits.purchaseMs=20000']
const ports = ['--set', 'gateway.port=0', '--set', 'admin.port=0']
const models = ['--set', `inference.repository=${join(projectFolder, 'models', 'repository')}`, '--set', 'inference.deadlineMs=10000']

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

/** A run of the shop in a folder of its own, exploring as these settings say. */
async function runShop(explore: Readonly<Record<string, string | number>>): Promise<CliFolder> {
  const folder = new CliFolder()
  folders.push(folder)
  const settings = Object.entries(explore).flatMap(([key, value]) => ['--set', `recommendations.explore.${key}=${value}`])
  const { code, stderr } = await folder.run('start', '--events', '900', ...small, ...corrected, ...ports, ...models, ...settings)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return folder
}

/** Takes all decisions again, and says how many there were. */
async function replayAll(folder: CliFolder): Promise<number> {
  const { code, value } = await folder.json('bandit', 'replay')
  const { decisions, same } = value as BanditReplay
  expect({ code, same }).toEqual({ code: 0, same: decisions })
  return decisions
}

/** Exports the rewards to `rewards.jsonl`, and gives the last row of each decision: that is the one that counts. */
async function exported(folder: CliFolder): Promise<Reward[]> {
  expect(await folder.run('export', 'rewards', '--out', 'rewards.jsonl')).toMatchObject({ code: 0 })
  const lines = (await readFile(join(folder.path, 'rewards.jsonl'), 'utf8')).trim().split('\n')
  return [...new Map(lines.map((line) => [JSON.parse(line).decisionId, JSON.parse(line) as Reward])).values()]
}

interface Judged {
  readonly rows: number
  readonly estimates: readonly { readonly estimator: string; readonly value: number }[]
}

describe('the engine’s own log after a run of the shop', { timeout: 300_000 }, () => {
  it('over sources: tells what a contextual policy learned, and replays every decision', async () => {
    const folder = await runShop({ policy: 'lin-ucb', epsilon: 0.5 })
    const [report] = (await folder.json('bandit', 'show')).value as BanditReport[]
    expect(report).toMatchObject({ over: 'source', policy: 'lin-ucb', version: 'alpha=1,lambda=1,context=1' })
    expect(await replayAll(folder)).toBeGreaterThanOrEqual(report!.rewards)
  })

  it('over rankers: lists of two versions and of the linear rung tell what chose them, are replayed and judged', async () => {
    const folder = await runShop({ over: 'ranker', rankers: '1,2,linear', policy: 'linear-thompson', epsilon: 0.5 })
    const [report] = (await folder.json('bandit', 'show')).value as BanditReport[]
    expect(report).toMatchObject({ over: 'ranker', policy: 'linear-thompson', segment: '' })
    expect(report!.arms.map(({ arm }) => arm).sort()).toEqual(['1', '2', 'linear'])
    expect(report!.arms.reduce((sum, { decisions }) => sum + decisions, 0)).toBe(report!.rewards)
    expect(report!.arms.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
    expect(await replayAll(folder)).toBeGreaterThanOrEqual(report!.rewards)
    expect(await folder.json('bandit', 'rebuild', '--check')).toMatchObject({ code: 0, value: { different: 0 } })

    const choices = (await exported(folder)).filter(({ exploration }) => exploration !== null)
    expect(choices.length).toBe(report!.rewards)
    for (const { exploration, rung, modelVersion, slots } of choices) {
      expect(exploration).toMatchObject({ over: 'ranker', arms: ['1', '2', 'linear'], epsilon: 0.5 })
      const arm = exploration!.arms.indexOf(rung === 'ranker' ? modelVersion : rung)
      for (const { slot } of slots) expect(slot).toMatchObject({ explored: true, propensity: exploration!.chances[arm] })
    }
    const best = choices.map(({ exploration, rung, modelVersion, slots }) => ({
      reward: Math.max(...slots.map(({ reward }) => reward)),
      chance: exploration!.chances[exploration!.arms.indexOf(rung === 'ranker' ? modelVersion : rung)]!,
    }))
    const judged = await folder.json('evaluate', 'policy', '--log', 'rewards.jsonl', '--policy', 'uniform', '--over', 'ranker')
    const { rows, estimates } = judged.value as Judged
    expect({ code: judged.code, rows }).toEqual({ code: 0, rows: choices.length })
    const ips = best.reduce((sum, { reward, chance }) => sum + reward / (3 * chance), 0) / rows
    expect(estimates.find(({ estimator }) => estimator === 'IPS')!.value).toBeCloseTo(ips, 12)
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
    const decisions = await replayAll(folder)

    const rewards = await exported(folder)
    const judged = await folder.json('evaluate', 'policy', '--log', 'rewards.jsonl', '--policy', 'uniform')
    const { rows, estimates } = judged.value as Judged
    const weighted = rewards.flatMap(weightedReward)
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
