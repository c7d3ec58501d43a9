import { createPolicy } from '../../algorithms/bandits/create-policy.ts'
import { studentCritical } from '../../algorithms/student-t.ts'
import { MillraceError } from '../../core/errors.ts'
import type { WorldOptions } from '../../evaluation/bandits/bandit-world.ts'
import { bestFixedArm, type Contender, type RaceRun, race } from '../../evaluation/bandits/race-policies.ts'
import { curveSvg } from '../../evaluation/curve-svg.ts'
import type { GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { writePlot } from '../write-plot.ts'
import { evaluationBar } from './evaluation-bar.ts'

export interface EvaluateBanditsFlags extends GlobalFlags {
  readonly policies: string
  readonly setting: readonly string[] | undefined
  readonly decisions: number
  readonly arms: number
  readonly features: number
  readonly seeds: number
  readonly delay: number
  readonly update: 'hold' | 'provisional'
  readonly 'half-life': number
  readonly epsilon: number
  readonly drift: number
  readonly remove: number
  readonly plot: string | undefined
}

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
  /** Expected clicks per decision above those of the best fixed arm, paired by world. */
  readonly overBestFixed: OverWorlds
  /** Regret less than that of `against`, paired by world. */
  readonly saved: OverWorlds
  readonly against: string
  /** Regret at `points` evenly spread decisions. */
  readonly curve: readonly OverWorlds[]
}

/** Runs every policy in every world, prints regret and what it gained over the best fixed arm. */
export async function runBanditRace(flags: EvaluateBanditsFlags): Promise<void> {
  const contenders = contendersOf(flags)
  const worlds = Array.from({ length: flags.seeds }, (_, n) => worldOf(flags, n))
  const bar = evaluationBar(process.stderr.isTTY === true)
  const fixed = worlds.map(bestFixedArm)
  const runs = worlds.map((world, n) => {
    bar.update(world.seed, n / worlds.length, n * flags.decisions)
    return race(world, contenders, points)
  })
  bar.stop()
  const results = resultsOf(contenders, runs, fixed, flags.decisions)
  const bestFixed = overWorlds(fixed.map((clicks) => clicks / flags.decisions))
  if (flags.json) printJson({ ...settingsOf(flags), bestFixed, results })
  else print(flags, bestFixed, results)
  if (flags.plot !== undefined) await writePlot(flags.plot, plotOf(results, flags.decisions))
}

/** `runs` by world and contender; `fixed`: what the best fixed arm of each world brings. */
function resultsOf(
  contenders: readonly Contender[],
  runs: readonly (readonly RaceRun[])[],
  fixed: readonly number[],
  decisions: number,
): RaceResult[] {
  return contenders.map((contender, place) => {
    const own = runs.map((ofWorld) => ofWorld[place]!)
    const yardstick = yardstickOf(contenders, place)
    return {
      policy: contender.name,
      regret: overWorlds(own.map(lostBy)),
      rate: overWorlds(own.map(({ expected }) => expected / decisions)),
      overBestFixed: overWorlds(own.map(({ expected }, n) => (expected - fixed[n]!) / decisions)),
      saved: overWorlds(own.map((run, n) => lostBy(runs[n]![yardstick]!) - lostBy(run))),
      against: contenders[yardstick]!.name,
      curve: Array.from({ length: points }, (_, at) => overWorlds(own.map(({ regret }) => regret[at]!))),
    }
  })
}

function settingsOf({ decisions, arms, features, seeds, drift, remove, delay, update, epsilon, ...rest }: EvaluateBanditsFlags) {
  return { decisions, arms, features, seeds, drift, remove, delay, update, halfLife: rest['half-life'], epsilon }
}

function lostBy({ regret }: RaceRun): number {
  return regret.at(-1)!
}

/** Whom a contender is compared with: the first of the same policy if that was named before, else the first of all. */
function yardstickOf(contenders: readonly Contender[], place: number): number {
  const same = contenders.findIndex(({ policy }) => policy.name === contenders[place]!.policy.name)
  return same < place ? same : 0
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
    const { 'half-life': halfLife = flags['half-life'], ...own } = settings.get(label) ?? {}
    if (!(halfLife >= 0))
      throw new MillraceError('MILL_USAGE', `--setting ${label}.half-life=${halfLife}: give 0 or more decisions`)
    settings.delete(label)
    return { name: label, policy: createPolicy(name, own), epsilon: flags.epsilon, halfLife, update: flags.update }
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

/** By logarithms: with and without the context, regret differs by a factor of thirty. */
function plotOf(results: readonly RaceResult[], decisions: number): string {
  return curveSvg({
    title: 'Regret of bandit policies',
    unit: 'expected clicks lost after so many decisions, mean over worlds with its 95 % interval, logarithmic',
    // A point is the regret after its share of the decisions.
    timesMs: Array.from({ length: points }, (_, at) => ((at + 1) * decisions) / points),
    lines: results.map(({ policy, curve }) => ({
      name: policy,
      values: curve.map(({ mean }) => mean),
      band: curve.map(({ interval }) => interval),
    })),
    tick: (at) => Math.round(at).toLocaleString('en'),
    isLogarithmic: true,
  })
}

function print(flags: EvaluateBanditsFlags, bestFixed: OverWorlds, results: readonly RaceResult[]): void {
  console.log(
    `${flags.decisions} decisions in each of ${flags.seeds} worlds; the best fixed arm of each brings ${text(bestFixed, 5)}\n`,
  )
  printTable(
    ['policy', 'regret', 'clicks per decision', 'above the best fixed arm', 'regret saved'],
    results.map(({ policy, regret, rate, overBestFixed, saved, against }) => [
      policy,
      text(regret, 0),
      text(rate, 5),
      text(overBestFixed, 5),
      against === policy ? '' : `${text(saved, 0)} against ${against}`,
    ]),
    '',
  )
}

function text({ mean, interval }: OverWorlds, digits: number): string {
  return `${mean.toFixed(digits)} (${interval[0].toFixed(digits)} … ${interval[1].toFixed(digits)})`
}
