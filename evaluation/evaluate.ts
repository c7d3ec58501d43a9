import { rankingConvention } from '../algorithms/ranking-metrics.ts'
import { createRandom } from '../core/random.ts'
import type { Clock } from '../ports/clock.ts'
import { type ContestantPlan, createContestants } from './contestant.ts'
import { ContestantTally, pairedMeasures } from './contestant-tally.ts'
import { type Judgement, type JudgeOptions, judge } from './judge.ts'
import type { Observations } from './observations.ts'
import { type Interval, PairedBootstrap } from './paired-bootstrap.ts'
import type { Plan } from './plan.ts'
import type { Truth } from './questions.ts'
import type { Settings } from './recommender.ts'
import { type Variety, VarietyMeasure } from './variety.ts'

export interface EvaluateOptions extends Pick<JudgeOptions, 'ks' | 'context' | 'truth' | 'exclude' | 'curveMs'> {
  readonly seed: number
  readonly clock: Clock
  /** As in `PlanOptions`: algorithms may know what is asked for. */
  readonly judgedTypes: readonly string[]
  /** Questions asked at most in each pass over the data, drawn by `seed`; absent = all. */
  readonly questionsMax?: number | undefined
  readonly onProgress?: (share: number, questions: number) => void
}

/** One algorithm's result; `--json` prints it as it is. */
export interface EvaluationResult {
  /** The label: the name, with what tells it from others of the same name. */
  readonly algorithm: string
  readonly settings: Settings
  readonly metrics: Readonly<Record<string, number>>
  /** 95 % intervals of MRR, HR and NDCG at the first k, by bootstrap over sessions or users. */
  readonly intervals: Readonly<Record<string, Interval>>
  readonly latencyMicros: { readonly p50: number; readonly p99: number }
}

/** Two algorithms on the same questions: mean of a minus mean of b, with a 95 % interval. */
export interface PairedResult {
  readonly a: string
  readonly b: string
  readonly metric: string
  readonly difference: number
  readonly interval: Interval
}

/** A measure over time: per step its start and the mean of each algorithm, in the order of the results. */
export interface CurveStep {
  readonly startMs: number
  readonly questions: number
  readonly means: readonly number[]
}

export interface Evaluation extends Judgement {
  readonly convention: string
  readonly results: readonly EvaluationResult[]
  readonly paired: readonly PairedResult[]
  readonly curve: { readonly metric: string; readonly steps: readonly CurveStep[] } | null
}

/** Questions whose lists are kept for the measures of variety, per algorithm. */
const sampleMax = 1000

const truthWords: Record<Truth, string> = {
  next: 'right is the next item',
  rest: 'MRR and HR: right is the next item; P, R, NDCG, MAP: right is all that follows in the visit',
  basket: 'right is everything of the next basket',
  hidden: 'right is what was hidden of the basket',
  user: 'right is everything of the user in the fold',
}

/** Judges every contestant on every plan (the folds of a k-fold count together) and compares each with each. */
export async function evaluate(
  data: Observations,
  plans: readonly Plan[],
  contestants: readonly ContestantPlan[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { ks, context, truth, exclude, curveMs, clock, seed, judgedTypes, questionsMax } = options
  const clusters = context === 'session' ? data.sessionCount : data.userIds.length
  const itemCount = data.itemIds.length
  const tallies = contestants.map(() => new ContestantTally({ ks, clusters, items: itemCount, curveMs }))
  const counts = { questions: 0, askable: 0, cold: 0, unknown: 0, learned: 0 }
  const world = {
    itemIds: data.itemIds,
    itemCount,
    userCount: data.userIds.length,
    sessionCount: data.sessionCount,
    facts: data.facts,
    judgedTypes,
    questionsArePut: truth === 'hidden',
  }
  for (const [at, plan] of plans.entries()) {
    const made = createContestants(contestants, world, seed)
    const onProgress = (done: number, questions: number) =>
      options.onProgress?.((at + done / plan.order.length) / plans.length, counts.questions + questions)
    const judgement = await judge(data, plan, made, tallies, {
      ks,
      context,
      truth,
      exclude,
      curveMs,
      sample: questionsMax === undefined ? null : { questions: questionsMax, random: createRandom(`questions ${seed} ${at}`) },
      clock,
      sampleMax,
      onProgress,
    })
    for (const key of ['questions', 'askable', 'cold', 'unknown', 'learned'] as const) counts[key] += judgement[key]
  }
  const measure = new VarietyMeasure(data, context)
  const bootstrap = bootstrapOf(tallies, seed)
  const results = contestants.map(({ label, settings }, c) => ({
    algorithm: label,
    settings,
    metrics: { ...tallies[c]!.metrics(), ...named(measure.of(tallies[c]!.samples), ks[0]!) },
    intervals: Object.fromEntries(
      pairedMeasures.map((name, m) => [`${name}@${ks[0]!}`, bootstrap.interval(c * pairedMeasures.length + m)]),
    ),
    latencyMicros: tallies[c]!.latencyMicros(),
  }))
  return {
    ...counts,
    convention: `ties ${data.ties}; ${rankingConvention}; ${truthWords[truth]}; means over questions`,
    results,
    paired: pairsOf(contestants, bootstrap, ks[0]!),
    curve: curveMs === 0 ? null : curveOf(tallies, ks[0]!, curveMs),
  }
}

/** Measures of variety by name, those left out that the data cannot say. */
function named(variety: Variety, k: number): Record<string, number> {
  return Object.fromEntries(Object.entries(variety).flatMap(([name, value]) => (value === null ? [] : [[`${name}@${k}`, value]])))
}

/** Every paired measure of every algorithm, one algorithm after the other. */
function bootstrapOf(tallies: readonly ContestantTally[], seed: number): PairedBootstrap {
  const sums = tallies.flatMap(({ clusterSums }) => clusterSums)
  return new PairedBootstrap(sums, tallies[0]!.clusterCounts, createRandom(`bootstrap ${seed}`))
}

function pairsOf(contestants: readonly ContestantPlan[], bootstrap: PairedBootstrap, k: number): PairedResult[] {
  const width = pairedMeasures.length
  const paired: PairedResult[] = []
  for (let a = 0; a < contestants.length; a++) {
    for (let b = a + 1; b < contestants.length; b++) {
      pairedMeasures.forEach((measure, m) => {
        const found = bootstrap.compare(a * width + m, b * width + m)
        paired.push({ a: contestants[a]!.label, b: contestants[b]!.label, metric: `${measure}@${k}`, ...found })
      })
    }
  }
  return paired
}

function curveOf(tallies: readonly ContestantTally[], k: number, curveMs: number): Evaluation['curve'] {
  const steps = [...(tallies[0]?.curve.keys() ?? [])].sort((a, b) => a - b)
  return {
    metric: `MRR@${k}`,
    steps: steps.map((step) => ({
      startMs: step * curveMs,
      questions: tallies[0]!.curve.get(step)![0]!,
      means: tallies.map(({ curve }) => curve.get(step)![1]! / curve.get(step)![0]!),
    })),
  }
}
