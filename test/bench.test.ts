import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { baselineOf, compareRuns } from '../bench/baseline.ts'
import { BenchOptions } from '../bench/bench-options.ts'
import { benchmarks } from '../bench/benchmarks.ts'
import { type BenchResult, type FigureParts, figureOf, goalMet, quantile } from '../bench/figure.ts'
import { root } from './project-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A run in which every figure is its value over a ceiling of 100. */
function runOf(figures: Readonly<Record<string, number>>): BenchResult {
  const kinds: Readonly<Record<string, FigureParts['kind']>> = {
    rate: 'throughput',
    p99: 'latency',
    size: 'memory',
    count: 'note',
  }
  const parts = Object.entries(figures).map(([name, value]) => ({ name, kind: kinds[name]!, value, unit: 'x', ceiling: 100 }))
  return { bench: 'made-up', machine: 'any', figures: parts.map(figureOf) }
}

describe('the comparison with a baseline', () => {
  const before = runOf({ rate: 100, p99: 100, size: 100, count: 100 })
  const worse = (figures: Readonly<Record<string, number>>) =>
    compareRuns(baselineOf(before), runOf({ rate: 100, p99: 100, size: 100, ...figures }))
      .filter(({ ok }) => !ok)
      .map(({ name }) => name)

  it.each([
    [{}, []],
    [{ rate: 86, p99: 119, size: 124 }, []],
    [{ rate: 84 }, ['rate']],
    [{ p99: 121 }, ['p99']],
    [{ size: 126 }, ['size']],
    [{ rate: 500, p99: 1, size: 1, count: 1 }, []],
  ] as const)('of %j finds %j worse', (figures, names) => {
    expect(worse(figures)).toEqual(names)
  })

  it('holds ratios, not absolute values, against each other: a machine of half the speed passes', () => {
    const slower = before.figures.map((figure) => ({ ...figure, value: figure.value / 2, ceiling: figure.ceiling! / 2 }))
    expect(compareRuns(baselineOf(before), { ...before, figures: slower }).every(({ ok }) => ok)).toBe(true)
  })

  it('does not let a figure vanish', () => {
    expect(compareRuns(baselineOf(before), runOf({ rate: 100, p99: 100 })).filter(({ ok }) => !ok)).toMatchObject([
      { name: 'size' },
    ])
  })

  it('compares sizes without a ceiling, and no speeds without one', () => {
    const bare = { ...before, figures: before.figures.map((figure) => ({ ...figure, ceiling: null, ratio: null })) }
    expect(baselineOf(bare).figures.map(({ name }) => name)).toEqual(['size'])
  })
})

describe('a figure', () => {
  it('has its ratio and says whether its goal is met', () => {
    const figure = figureOf({ name: 'rate', kind: 'throughput', value: 80, unit: 'x', ceiling: 100, goal: 'ratio >= 0.8' })
    expect([figure.ratio, goalMet(figure), goalMet({ ...figure, ratio: 0.79 })]).toEqual([0.8, true, false])
    expect(goalMet({ ...figure, goal: 'value <= 79' })).toBe(false)
  })

  it('refuses a goal that nobody could check', () => {
    expect(() => figureOf({ name: 'p99', kind: 'latency', value: 1, unit: 'ms', goal: 'ratio <= 2' })).toThrow(/ceiling/)
    expect(() => figureOf({ name: 'p99', kind: 'latency', value: Number.NaN, unit: 'ms' })).toThrow('no number')
  })

  it('takes quantiles by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, at) => 100 - at)
    expect([0, 0.5, 0.99, 1].map((q) => quantile(values, q))).toEqual([1, 50, 99, 100])
  })
})

describe('the harness', () => {
  const program = (file: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [join(root, 'bench', file), ...args], { cwd: folder })

  it('runs a small benchmark, prints its figures as JSON, and refuses an unknown option', { timeout: 60_000 }, async () => {
    const { stdout } = await program('run.ts', 'fold', '--json', '--events', '3000')
    const result = JSON.parse(stdout) as BenchResult
    expect(result).toMatchObject({ bench: 'fold', figures: [{ name: 'fold', unit: 'events/s', goal: null }] })
    const [{ value, ceiling, ratio }] = result.figures as [BenchResult['figures'][number]]
    expect(ratio).toBeCloseTo(value / ceiling!, 3)

    await expect(program('run.ts', 'fold', '--events', '100', '--evens', '1')).rejects.toThrow('no option --evens')
    await expect(program('run.ts', 'nothing')).rejects.toThrow('one of: fold')
    const file = join(folder, 'result.json')
    writeFileSync(file, stdout)
    await expect(program('compare.ts', 'nothing', '--result', file)).rejects.toThrow('has no baseline')
  })

  it('says of every benchmark what it measures, here and in bench/README.md', { timeout: 60_000 }, async () => {
    const readme = readFileSync(join(root, 'bench', 'README.md'), 'utf8')
    const { stdout } = await program('run.ts')
    for (const name of Object.keys(benchmarks)) {
      expect(stdout).toMatch(new RegExp(`^${name} +\\S.{20}`, 'm'))
      expect(readme, `bench/README.md names ${name}`).toContain(`| \`${name}\` |`)
    }
  })

  it('closes what a run opened, the last first, and removes its folder', async () => {
    const options = new BenchOptions()
    const closed: string[] = []
    options.onEnd(async () => closed.push('first'))
    const made = options.folder
    options.onEnd(async () => {
      closed.push(existsSync(made) ? 'second' : 'too late')
      throw new Error('cannot close')
    })
    await expect(options.close()).rejects.toThrow('cannot close')
    expect([closed, existsSync(made)]).toEqual([['second', 'first'], false])
  })
})
