import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createPolicy } from '../../algorithms/bandits/create-policy.ts'

import { type EvaluateBanditsFlags, runBanditRace } from '../../cli/evaluation/run-bandit-race.ts'
import { type EvaluateValueFlags, runValueEvaluation } from '../../cli/evaluation/run-value-evaluation.ts'
import { race } from '../../evaluation/bandits/race-policies.ts'
import { CliFolder } from './run-cli.ts'

const folder = new CliFolder()
afterAll(() => folder.close())

/** Cells of the printed line that begins with a name; columns stand two blanks apart. */
function cellsOf(stdout: string, name: string): string[] {
  const line = stdout.split('\n').find((text) => text.trim().split(/ {2,}/)[0] === name)
  return line?.trim().split(/ {2,}/) ?? []
}

describe('evaluate bandits', () => {
  const args = [
    ...['evaluate', 'bandits', '--decisions', '600', '--arms', '4', '--features', '3', '--seeds', '2', '--drift', '50'],
    ...[
      '--policies',
      'beta-thompson,lin-ucb,lin-ucb:fading',
      '--setting',
      'fading.half-life=100',
      '--setting',
      'fading.alpha=.3',
    ],
  ]
  /** Regret in both worlds, asked of the race itself. */
  const regretOf = (name: string, settings: Record<string, number> = {}, halfLife = 0) =>
    [0, 1].map((n) => {
      const world = { arms: 4, features: 3, decisions: 600, driftAt: 0.5, removeAt: 1, delay: 0, seed: `world ${n}` }
      const policy = createPolicy(name, settings)
      return race(world, [{ name, policy, epsilon: 0, halfLife, update: 'hold' }])[0]!.regret.at(-1)!
    })
  /** Mean and 95 % interval of two numbers: the deviation is half their distance times √2, Student's t with one degree 12.706. */
  const ofTwo = ([a, b]: readonly number[]) => {
    const half = (12.7062 * Math.abs(a! - b!)) / 2
    return [(a! + b!) / 2, (a! + b!) / 2 - half, (a! + b!) / 2 + half]
  }
  const text = ([mean, low, high]: readonly number[]) => `${mean!.toFixed(0)} (${low!.toFixed(0)} … ${high!.toFixed(0)})`

  it('prints a row per policy, differences paired by world, and draws the curves with bands', { timeout: 60_000 }, async () => {
    const plot = join(folder.path, 'regret.svg')
    const { code, stdout } = await folder.run(...args, '--plot', plot)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^600 decisions in each of 2 worlds; the best fixed arm of each brings 0\.\d{5} \(/)
    const thompson = regretOf('beta-thompson')
    const linear = regretOf('lin-ucb')
    const fading = regretOf('lin-ucb', { alpha: 0.3 }, 100)
    const saved = (of: readonly number[], than: readonly number[]) => text(ofTwo(of.map((own, n) => than[n]! - own)))
    expect(cellsOf(stdout, 'beta-thompson').slice(0, 2)).toEqual(['beta-thompson', text(ofTwo(thompson))])
    expect(cellsOf(stdout, 'lin-ucb')[1]).toBe(text(ofTwo(linear)))
    expect(cellsOf(stdout, 'lin-ucb')[4]).toBe(`${saved(linear, thompson)} against beta-thompson`)
    expect(cellsOf(stdout, 'fading')[1]).toBe(text(ofTwo(fading)))
    expect(cellsOf(stdout, 'fading')[4]).toBe(`${saved(fading, linear)} against lin-ucb`)
    const svg = readFileSync(plot, 'utf8')
    expect(svg.match(/fill="none"/g)).toHaveLength(3)
    expect(svg.match(/fill-opacity/g)).toHaveLength(3)
    expect(svg).not.toContain('NaN')
  })

  it('gives the same as JSON, with the world it was', { timeout: 60_000 }, async () => {
    const { code, value } = await folder.json(...args)
    const report = value as {
      readonly bestFixed: { readonly mean: number }
      readonly results: readonly Record<'regret' | 'rate' | 'overBestFixed', { readonly mean: number }>[]
    }
    expect(code).toBe(0)
    expect(report).toMatchObject({
      decisions: 600,
      arms: 4,
      features: 3,
      seeds: 2,
      drift: 50,
      remove: 100,
      delay: 0,
      update: 'hold',
    })
    for (const { rate, overBestFixed } of report.results)
      expect(overBestFixed.mean).toBeCloseTo(rate.mean - report.bestFixed.mean, 12)
    expect(report.results[1]!.regret.mean).toBeCloseTo(ofTwo(regretOf('lin-ucb'))[0]!, 9)
  })

  it.each([
    ['a policy', { policies: 'dice' }, /no policy "dice"; there are epsilon-greedy/],
    ['a setting', { setting: ['lin-ucb.alpha'] }, /--setting lin-ucb\.alpha: give policy\.name=number/],
    ['whose setting', { setting: ['bag.learners=3'] }, /--setting bag\.…: no such policy takes part/],
    ['a half-life', { setting: ['lin-ucb.half-life=-1'] }, /half-life=-1: give 0 or more decisions/],
    ['an epsilon', { epsilon: 2 }, /--epsilon must lie in 0 to 1/],
  ])('refuses what is wrong with %s', async (_what, wrong, message) => {
    const defaults = {
      decisions: 100,
      arms: 2,
      features: 2,
      seeds: 2,
      delay: 0,
      update: 'hold',
      drift: 100,
      remove: 100,
      epsilon: 0,
    }
    const flags = { ...defaults, policies: 'lin-ucb', 'half-life': 0, ...wrong } as unknown as EvaluateBanditsFlags
    await expect(runBanditRace(flags)).rejects.toThrow(message)
  })
})

describe('evaluate value', () => {
  const heldBack = 30
  /** Days on which each of 90 customers bought, and for how much: some stop early, some go on. */
  const customers = Array.from({ length: 90 }, (_, n) => {
    const days = Array.from({ length: 2 + (n % 8) }, (_, k) => (n % 45) + k * (4 + (n % 19)))
    return { id: `c${n}`, days, prices: days.map((_, k) => 5 + ((n * 7) % 23) + (k % 3)) }
  })
  const lastDay = Math.max(...customers.flatMap(({ days }) => days))
  const startMs = Date.UTC(2026, 0, 1)
  const dayMs = 86_400_000

  function log(): string {
    const path = join(folder.path, 'events.jsonl')
    const lines = customers.flatMap(({ id, days, prices }) =>
      days.map((day, k) => {
        const timeMs = startMs + day * dayMs + 3_600_000
        return JSON.stringify({ eventId: `${id}-${k}`, userId: id, itemId: 'x', type: 'purchase', timeMs, price: prices[k] })
      }),
    )
    writeFileSync(path, `${lines.join('\n')}\n`)
    return path
  }

  /** Mean absolute error, in purchases, of going on at one's own rate: counted here from the days. */
  function errorOfOwnRate(): number {
    const nowDay = lastDay + 1 - heldBack
    const known = customers.filter(({ days }) => days[0]! < nowDay)
    const errors = known.map(({ days }) => {
      const before = days.filter((day) => day < nowDay).length
      const predicted = (before * heldBack) / Math.max(7, nowDay - days[0]!)
      return Math.abs(predicted - (days.length - before))
    })
    return errors.reduce((sum, error) => sum + error, 0) / known.length
  }

  it('prints segments, cohorts and what was predicted', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await folder.run('evaluate', 'value', '--data', log(), '--held-back', String(heldBack))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lastText = new Date(startMs + lastDay * dayMs).toISOString().slice(0, 10)
    expect(stdout).toContain(`90 customers, 2026-01-01 to ${lastText}`)
    // 31 first days of 45 lie in January, and every day is the first of two customers.
    expect(cellsOf(stdout, '2026-01')[1]).toBe('62')
    expect(cellsOf(stdout, '2026-02')[1]).toBe('28')
    const segments = ['loyal', 'new', 'active', 'lapsing', 'lost'].map((name) => cellsOf(stdout, name).slice(1).map(Number))
    const total = customers.flatMap(({ prices }) => prices).reduce((sum, price) => sum + price, 0)
    expect(segments.reduce((sum, [count]) => sum + count!, 0)).toBe(90)
    expect(segments.reduce((sum, [, value]) => sum + value!, 0)).toBe(total)
    expect(segments[1]).toEqual([0, 0]) // the last first purchase was on the 45th day
    expect(cellsOf(stdout, 'own rate')[1]).toBe(errorOfOwnRate().toFixed(3))
    expect(cellsOf(stdout, 'BG/NBD × gamma–gamma')).toHaveLength(6)
    expect(stdout).toMatch(/mean absolute error of value against "(own rate|mean)": -?\d+\.\d \(-?\d+\.\d … -?\d+\.\d\)/)
  })

  it('says that a log holds no purchases', async () => {
    const data = join(folder.path, 'nothing.jsonl')
    writeFileSync(data, `${JSON.stringify({ eventId: 'a', userId: 'u', itemId: 'x', type: 'click', timeMs: startMs })}\n`)
    const flags = { data, format: 'events', 'held-back': 90, seed: 1 } as unknown as EvaluateValueFlags
    await expect(runValueEvaluation(flags)).rejects.toThrow(/nothing\.jsonl" holds no purchase with a price/)
  })
})
