import { writeFile } from 'node:fs/promises'
import { createPolicy } from '../../algorithms/bandits/create-policy.ts'
import { studentCritical } from '../../algorithms/student-t.ts'
import { MillraceError } from '../../core/errors.ts'
import type { WorldOptions } from '../../evaluation/bandits/bandit-world.ts'
import { bestFixedArm, type Contender, race } from '../../evaluation/bandits/race-policies.ts'
import { curveSvg } from '../../evaluation/curve-svg.ts'
import type { EvaluateBanditsFlags } from '../commands/evaluate-bandits.ts'
import { printJson, printTable } from '../print.ts'
import { evaluationBar } from './evaluation-bar.ts'

const points = 50

/** A mean over worlds with its 95 % interval by Student's t. */
interface OverWorlds {
  readonly mean: number
  readonly interval: readonly [number, number]
}

interface RaceResult {
  readonly policy: string
  readonly regret: OverWorlds
  /** Expected clicks per decision. */
  readonly rate: OverWorlds
  /** Expected clicks per decision above those of the best fixed arm. */
  readonly overBestFixed: OverWorlds
  /** Mean regret at `points` evenly spread decisions. */
  readonly curve: readonly number[]
}

/** Runs every policy in every world, prints regret and what it gained over the best fixed arm. */
export async function runBanditRace(flags: EvaluateBanditsFlags): Promise<void> {
  const contenders = contendersOf(flags)
  const worlds = Array.from({ length: flags.seeds }, (_, n) => worldOf(flags, n))
  const bar = evaluationBar(process.stderr.isTTY === true)
  const fixed = worlds.map(bestFixedArm)
  const results: RaceResult[] = []
  for (const contender of contenders) {
    const runs = worlds.map((world, n) => {
      bar.update(contender.name, n / worlds.length, n * flags.decisions)
      return race(world, contender, points)
    })
    results.push({
      policy: contender.name,
      regret: overWorlds(runs.map(({ regret }) => regret.at(-1)!)),
      rate: overWorlds(runs.map(({ expected }) => expected / flags.decisions)),
      overBestFixed: overWorlds(runs.map(({ expected }, n) => (expected - fixed[n]!) / flags.decisions)),
      curve: Array.from({ length: points }, (_, at) => runs.reduce((sum, { regret }) => sum + regret[at]!, 0) / runs.length),
    })
  }
  bar.stop()
  if (flags.plot !== undefined) await writePlot(flags.plot, results, flags.decisions)
  const { decisions, arms, features, seeds, delay, update, epsilon } = flags
  const bestFixed = overWorlds(fixed.map((clicks) => clicks / decisions))
  if (flags.json)
    printJson({ decisions, arms, features, seeds, delay, update, halfLife: flags['half-life'], epsilon, bestFixed, results })
  else print(flags, bestFixed, results)
}

function contendersOf(flags: EvaluateBanditsFlags): Contender[] {
  if (!(flags.epsilon >= 0 && flags.epsilon <= 1)) throw new MillraceError('MILL_USAGE', '--epsilon must lie in 0 to 1')
  const settings = new Map<string, Record<string, number>>()
  for (const text of flags.setting ?? []) {
    const [, label, key, value] = /^([^.=]+)\.([^=]+)=(.+)$/.exec(text) ?? []
    if (!label || Number.isNaN(Number(value))) throw new MillraceError('MILL_USAGE', `--setting ${text}: give policy.name=number`)
    settings.set(label, { ...settings.get(label), [key!]: Number(value) })
  }
  const contenders = flags.policies.split(',').map((text): Contender => {
    const [name = '', label = name] = text.split(':')
    const policy = createPolicy(name, settings.get(label))
    settings.delete(label)
    return { name: label, policy, epsilon: flags.epsilon, halfLife: flags['half-life'], update: flags.update }
  })
  for (const label of settings.keys()) throw new MillraceError('MILL_USAGE', `--setting ${label}.…: no such policy takes part`)
  return contenders
}

function worldOf({ arms, features, decisions, drift, remove, delay }: EvaluateBanditsFlags, n: number): WorldOptions {
  return { arms, features, decisions, driftAt: drift / 100, removeAt: remove / 100, delay, seed: `world ${n}` }
}

function overWorlds(values: readonly number[]): OverWorlds {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  const half = studentCritical(0.05, values.length - 1) * Math.sqrt(variance / values.length)
  return { mean, interval: [mean - half, mean + half] }
}

async function writePlot(path: string, results: readonly RaceResult[], decisions: number): Promise<void> {
  const title = 'Regret of bandit policies'
  const lines = results.map(({ policy, curve }) => ({ name: policy, values: curve }))
  // A point is the regret after its share of the decisions.
  const timesMs = Array.from({ length: points }, (_, at) => ((at + 1) * decisions) / points)
  const tick = (at: number) => `${Math.round(at).toLocaleString('en')} decisions`
  await writeFile(path, curveSvg({ title, unit: 'expected clicks lost', timesMs, lines, tick }))
}

function print(flags: EvaluateBanditsFlags, bestFixed: OverWorlds, results: readonly RaceResult[]): void {
  console.log(
    `${flags.decisions} decisions in each of ${flags.seeds} worlds; the best fixed arm of each brings ${text(bestFixed, 5)}\n`,
  )
  printTable(
    ['policy', 'regret', 'clicks per decision', 'above the best fixed arm'],
    results.map(({ policy, regret, rate, overBestFixed }) => [policy, text(regret, 1), text(rate, 5), text(overBestFixed, 5)]),
    '',
  )
}

function text({ mean, interval }: OverWorlds, digits: number): string {
  return `${mean.toFixed(digits)} (${interval[0].toFixed(digits)} … ${interval[1].toFixed(digits)})`
}
