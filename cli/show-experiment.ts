import { peopleNeeded } from '../algorithms/people-needed.ts'
import { intervalSvg } from '../evaluation/interval-svg.ts'
import type { Experiment } from '../schemas/experiment.ts'
import type { ExperimentResult } from '../schemas/experiment-result.ts'
import type { ExperimentStop } from '../schemas/experiment-stop.ts'
import { type ImportedVariant, wordImport } from './imported-variants.ts'
import { printJson, printTable } from './print.ts'
import { writePlot } from './write-plot.ts'

/** An experiment with what is known of it. */
export interface ExperimentStanding {
  readonly experiment: Experiment
  /** Why it assigns nobody though it is set as running; null otherwise. */
  readonly fault: string | null
  /** The guardrail's stop of this revision; null if none stopped it. */
  readonly stop: ExperimentStop | null
  /** How it stands with lists of other vendors that its variants show. */
  readonly imported: readonly ImportedVariant[]
  readonly results: readonly ExperimentResult[]
}

/** A lift that one would not want to miss, for how many people are needed. */
const liftSought = 0.05

/** Prints how an experiment stands, and draws its lifts into a file if asked to. */
export async function showExperiment(
  { experiment, fault, stop, imported, results }: ExperimentStanding,
  { json, plot }: { readonly json: boolean; readonly plot?: string | undefined },
): Promise<void> {
  const ordered = inOrder(experiment, results)
  const control = ordered.filter(({ variant }) => variant === experiment.control)
  const needed = Object.fromEntries(control.map((result) => [result.metric, neededFor(result, experiment.alpha)]))
  if (plot !== undefined) await writePlot(plot, plotOf(experiment, ordered))
  if (json) {
    printJson({ experiment, fault, stop, imported, peopleNeededForLiftOf5Percent: needed, results: ordered })
    return
  }
  console.log(`${experiment.id}: ${fault ?? experiment.state}, compared with ${experiment.control}`)
  if (stop) console.log(worded(stop))
  for (const one of imported) console.log(wordImport(one))
  printTable(
    ['variant', 'metric', 'people', 'mean', 'lift', 'at one look', 'p', 'at any look', 'p', 'after Holm', 'verdict'],
    ordered.map(rowOf),
    'nobody has been counted yet',
  )
  const [first] = ordered
  if (!first) return
  console.log(
    `\nsample ratio: p = ${first.sampleRatioPValue.toPrecision(3)}${first.verdict === 'invalid' ? ', a mismatch: trust no result' : ''}`,
  )
  for (const [metric, people] of Object.entries(needed))
    if (people !== null) console.log(`${metric}: a lift of 5 % is found with chance 80 % by ${people} people in each of two arms`)
  for (const { metric, cap } of control)
    if (cap !== null) console.log(`${metric}: a person counts at most ${cap.toFixed(2)}, more than 99.9 % of all people have`)
  const left = sumOf(ordered, first.metric, ({ explored }) => explored)
  if (left > 0)
    console.log(`${left} slots that a bandit filled are left out: millrace evaluate policy judges them by their chances`)
  const crossed = sumOf(ordered, first.metric, (result) => result.crossed)
  if (crossed > 0) console.log(`${crossed} people were seen in a second variant; they count where they came first`)
}

function worded({ metric, variant, lift, upper, lossMax, people, eventTimeMs }: ExperimentStop): string {
  const lost = `${metric} of ${variant} was ${percent(lift)}, at most ${percent(upper)}, with ${people} people; ${percent(-lossMax)} is borne`
  return `stopped at ${new Date(eventTimeMs).toISOString()}: ${lost}. Nobody is assigned; create it again to go on`
}

function inOrder({ variants, measures }: Experiment, results: readonly ExperimentResult[]): ExperimentResult[] {
  return measures.flatMap(({ metric }) =>
    variants.flatMap(({ name }) => results.filter((result) => result.metric === metric && result.variant === name)),
  )
}

function neededFor({ mean, standardError, people }: ExperimentResult, alpha: number): number | null {
  const needed = peopleNeeded({ mean, variance: standardError ** 2 * people }, liftSought, { alpha })
  return Number.isFinite(needed) && needed > 0 ? needed : null
}

function rowOf(result: ExperimentResult): unknown[] {
  const { variant, metric, people, mean, lift, guardrail, verdict } = result
  return [
    variant,
    metric,
    people,
    mean.toPrecision(4),
    lift === null ? null : percent(lift),
    between(result.lower, result.upper),
    short(result.pValue),
    between(result.anytimeLower, result.anytimeUpper),
    short(result.anytimePValue),
    short(result.holmPValue),
    variant === result.control ? null : guardrail === null ? verdict : `guardrail ${guardrail}`,
  ]
}

function plotOf({ id, control, measures }: Experiment, results: readonly ExperimentResult[]): string {
  const rows = results.flatMap(({ variant, metric, lift, lower, upper, anytimeLower, anytimeUpper }) => {
    if (lift === null) return []
    const { lossMax } = measures.find((measure) => measure.metric === metric)!
    const inner = [lower!, upper!] as const
    // With too few people nothing is known of any look.
    const outer = anytimeLower === null || anytimeUpper === null ? inner : ([anytimeLower, anytimeUpper] as const)
    return [{ name: `${metric}: ${variant}`, value: lift, inner, outer, bound: lossMax === null ? null : -lossMax }]
  })
  const unit = 'thick: at one look; thin: at any look; red: the loss that a guardrail bears'
  return intervalSvg({ title: `${id}: lift over ${control}`, unit, rows })
}

function sumOf(results: readonly ExperimentResult[], metric: string, of: (result: ExperimentResult) => number): number {
  return results.filter((result) => result.metric === metric).reduce((sum, result) => sum + of(result), 0)
}

function between(lower: number | null, upper: number | null): string | null {
  return lower === null || upper === null ? null : `${percent(lower)} … ${percent(upper)}`
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`
}

function short(value: number | null): string | null {
  return value === null ? null : String(Number(value.toPrecision(2)))
}
