import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { BanditReplay } from '../../cli/bandit-replay.ts'
import type { BanditReport } from '../../cli/bandit-report.ts'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedStateStore } from '../../connectors/embedded/state-store.ts'
import { learnedFamily } from '../../operators/explorer-sums.ts'
import type { Reward } from '../../schemas/reward.ts'
import { CliFolder } from '../cli/run-cli.ts'

const folder = new CliFolder()
afterAll(() => folder.close())

const small = ['--set', 'simulator.users=200', '--set', 'simulator.items=300', '--set', 'rewards.waitMs=3000']
const corrected = ['--set', 'rewards.update=provisional', '--set', 'rewards.waits.purchaseMs=20000']
const ports = ['--set', 'gateway.port=0', '--set', 'admin.port=0']
const contextual = ['--set', 'recommendations.explore.policy=lin-ucb', '--set', 'recommendations.explore.epsilon=0.5']

/** Something else in the stored sums: what a fault of ours, or somebody's hand, might leave. */
async function spoil(): Promise<void> {
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

describe('the engine’s own log after a run of the shop with a contextual policy', { timeout: 120_000 }, () => {
  it('tells what was learned, replays every decision, carries an estimate, and gives a spoiled state back', async () => {
    const { code, stderr } = await folder.run('start', '--events', '900', ...small, ...corrected, ...ports, ...contextual)
    expect({ code, stderr }).toMatchObject({ code: 0 })

    const shown = await folder.json('bandit', 'show', '--plot', 'arms.svg')
    const [report] = shown.value as BanditReport[]
    expect(report).toMatchObject({ listPolicy: 'learned', policy: 'lin-ucb', version: 'alpha=1,lambda=1,context=1', segment: '' })
    expect(report!.rewards).toBeGreaterThan(10)
    expect(report!.arms.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
    expect(await readFile(join(folder.path, 'arms.svg'), 'utf8')).toMatch(/^<svg[\s\S]+<circle[\s\S]+<\/svg>\n$/)

    const replayed = await folder.json('bandit', 'replay')
    const { decisions, same } = replayed.value as BanditReplay
    expect({ code: replayed.code, same }).toEqual({ code: 0, same: decisions })
    expect(decisions).toBeGreaterThanOrEqual(report!.rewards)

    expect(await folder.run('export', 'rewards', '--out', 'rewards.jsonl')).toMatchObject({ code: 0 })
    const judged = await folder.json('evaluate', 'policy', '--log', 'rewards.jsonl', '--policy', 'uniform')
    const { rows, estimates } = judged.value as { rows: number; estimates: { estimator: string; value: number }[] }
    const lines = (await readFile(join(folder.path, 'rewards.jsonl'), 'utf8')).trim().split('\n')
    const rewards = lines.map((line) => JSON.parse(line) as Reward)
    expect(rewards.filter(({ revision }) => revision > 0).length).toBeGreaterThan(10)
    // Of a decision the last row counts.
    const weighted = [...new Map(rewards.map((reward) => [reward.decisionId, reward])).values()].flatMap(weightedReward)
    expect({ code: judged.code, rows }).toEqual({ code: 0, rows: weighted.length })
    expect(rows).toBe(report!.rewards)
    const ips = estimates.find(({ estimator }) => estimator === 'IPS')!.value
    expect(ips).toBeCloseTo(weighted.reduce((sum, value) => sum + value, 0) / rows, 12)

    await spoil()
    const checked = await folder.json('bandit', 'rebuild', '--check')
    expect(checked).toMatchObject({ code: 1, value: { different: 1 } })
    expect(await folder.json('bandit', 'rebuild')).toMatchObject({ code: 4 })
    expect(await folder.json('bandit', 'rebuild', '--reason', 'spoiled')).toMatchObject({ code: 0, value: { different: 1 } })
    const mended = await folder.json('bandit', 'rebuild', '--check')
    expect(mended).toMatchObject({ code: 0, value: { different: 0 } })
  })
})

/** Reward · (1 / arms) / propensity of an explored slot. */
function weightedReward({ exploration, slots }: Reward): number[] {
  const explored = slots.find(({ slot }) => slot.explored)
  return exploration && explored ? [explored.reward / exploration.arms.length / explored.slot.propensity] : []
}
