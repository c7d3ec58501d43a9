import { basename } from 'node:path'
import { systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import { chooseContestants, type Retraining } from '../../evaluation/contestant.ts'
import { curveSvg } from '../../evaluation/curve-svg.ts'
import { type EvaluateOptions, evaluate } from '../../evaluation/evaluate.ts'
import { type FormatHabits, formatHabits } from '../../evaluation/formats.ts'
import { type Protocol, plansOf, protocols } from '../../evaluation/plan.ts'
import type { RecommenderSpec } from '../../evaluation/recommender.ts'
import { recommenderSpecs } from '../../evaluation/recommender-specs.ts'
import { trainedSpec } from '../../evaluation/recommenders/trained.ts'
import type { TrainedModel } from '../../evaluation/trained-model.ts'
import type { GlobalFlags } from '../global-flags.ts'
import { printJson } from '../print.ts'
import { writePlot } from '../write-plot.ts'
import { evaluationBar } from './evaluation-bar.ts'
import { type EvaluationReport, printEvaluation } from './print-evaluation.ts'
import { readObservations } from './read-observations.ts'
import { openTrainedModels, refuseLeaks, type TrainedModels } from './trained-models.ts'

export interface EvaluateFlags extends GlobalFlags {
  readonly data: string
  readonly format: string
  readonly protocol: string | undefined
  readonly algorithms: string
  readonly repository: string | undefined
  readonly setting: readonly string[] | undefined
  readonly k: string | undefined
  readonly part: 'valid' | 'test' | undefined
  readonly retrain: readonly string[] | undefined
  readonly folds: number | undefined
  readonly warm: number | undefined
  readonly questions: number | undefined
  readonly exclude: 'none' | 'current' | 'session' | 'user' | undefined
  readonly plot: string | undefined
  readonly step: number | undefined
  readonly seed: number | undefined
  readonly ties: number | undefined
  readonly progress: boolean
}

/** Reads the data, judges, prints. Everything that can be wrong with the flags is refused before the data is read. */
export async function runEvaluation(flags: EvaluateFlags): Promise<void> {
  const habits = formatHabits.find(({ name }) => name === flags.format) ?? unknownFormat(flags.format)
  const protocol = protocolOf(flags.protocol ?? habits.protocol)
  const ks = lengthsOf(flags.k ?? String(habits.k))
  const seed = flags.seed ?? 1
  const retraining = (flags.retrain ?? [protocol === 'prequential' ? 'live' : 'never']).map(retrainingOf)
  const choice = { algorithms: flags.algorithms.split(','), settings: flags.setting ?? [], retraining }
  const trained = flags.repository === undefined ? null : await openTrainedModels(flags.repository)
  const bar = evaluationBar(flags.progress && process.stderr.isTTY === true)
  try {
    const trainedSpecs = trained === null ? [] : specsOf(trained)
    const contestants = chooseContestants([...recommenderSpecs, ...trainedSpecs.map(({ spec }) => spec)], choice)
    const data = await readObservations(habits, flags.data, flags.ties, (share) => bar.update('reading', share, 0))
    const plans = plansOf(protocol, data, {
      part: flags.part ?? (data.parts.includes(1) && !data.parts.includes(2) ? 'valid' : 'test'),
      updates: retraining.some((one) => one !== 'never'),
      lastShare: 0.1,
      warmShare: (flags.warm ?? 0) / 100,
      folds: flags.folds ?? 5,
      seed,
      judgedTypes: habits.judgedTypes,
    })
    await refuseLeaks(
      trainedSpecs.filter(({ spec }) => contestants.some((one) => one.spec === spec)).map(({ model }) => model),
      { data, plans, path: flags.data, isLastOfEach: protocol === 'leave-last-out' && flags.part !== 'valid' },
    )
    const evaluation = await evaluate(data, plans, contestants, {
      ks,
      ...judgedAs(protocol, habits),
      ...(flags.exclude === undefined ? {} : { exclude: flags.exclude }),
      curveMs: protocol === 'prequential' || flags.plot !== undefined ? (flags.step ?? 3600) * 1000 : 0,
      seed,
      questionsMax: flags.questions,
      judgedTypes: habits.judgedTypes,
      clock: systemClock,
      onProgress: (share, questions) => bar.update('judging', share, questions),
    })
    bar.stop()
    const { results, paired, ...rest } = evaluation
    const report = { data: flags.data, protocol, events: data.count, results, paired, ...rest }
    if (flags.plot !== undefined) await writePlot(flags.plot, plotOf(report))
    if (flags.json) printJson(report)
    else printEvaluation(report)
  } catch (error) {
    // What an algorithm takes for a broken promise of ours is here a number that somebody typed.
    if ((flags.setting ?? []).length > 0 && error instanceof MillraceError && error.code === 'MILL_INVARIANT')
      throw new MillraceError('MILL_USAGE', `a --setting does not fit: ${error.message}`, { cause: error })
    throw error
  } finally {
    bar.stop()
    await trained?.inference.close()
  }
}

/** Models as algorithms; one that has the name of an algorithm here is called `trained-<name>`. */
function specsOf({ models, inference }: TrainedModels): { model: TrainedModel; spec: RecommenderSpec }[] {
  return models.map((model) => {
    const taken = recommenderSpecs.some(({ name }) => name === model.name)
    const spec = trainedSpec(model, inference) as unknown as RecommenderSpec
    return { model, spec: taken ? { ...spec, name: `trained-${model.name}` } : spec }
  })
}

/** What a protocol makes of the habits of a format. */
function judgedAs(
  protocol: Protocol,
  { context, truth, exclude }: FormatHabits,
): Pick<EvaluateOptions, 'context' | 'truth' | 'exclude'> {
  switch (protocol) {
    case 'basket':
      return { context: 'session', truth: 'hidden', exclude: 'session' }
    case 'k-fold':
      return { context: 'user', truth: 'user', exclude }
    case 'leave-last-out':
      return { context: 'user', truth: truth === 'rest' ? 'next' : truth, exclude }
    case 'prequential':
      return { context, truth: truth === 'rest' ? 'next' : truth, exclude }
    case 'split':
      return { context, truth, exclude }
  }
}

function plotOf({ data, protocol, curve, results }: EvaluationReport): string {
  const steps = curve?.steps ?? []
  return curveSvg({
    title: `${basename(data)}, ${protocol}`,
    unit: curve?.metric ?? '',
    timesMs: steps.map(({ startMs }) => startMs),
    lines: results.map(({ algorithm }, n) => ({ name: algorithm, values: steps.map(({ means }) => means[n]!) })),
  })
}

function unknownFormat(name: string): never {
  if (name === 'open-bandit')
    throw new MillraceError(
      'MILL_USAGE',
      'open-bandit logs are for off-policy estimates: millrace evaluate policy --log-format open-bandit',
    )
  throw new MillraceError(
    'MILL_USAGE',
    `there is no format "${name}"; there are ${formatHabits.map((known) => known.name).join(', ')}`,
  )
}

function protocolOf(name: string): Protocol {
  const protocol = protocols.find((known) => known === name)
  if (protocol === undefined)
    throw new MillraceError('MILL_USAGE', `there is no protocol "${name}"; there are ${protocols.join(', ')}`)
  return protocol
}

function lengthsOf(text: string): number[] {
  const ks = text.split(',').map(Number)
  if (ks.some((k) => !Number.isInteger(k) || k < 1 || k > 1000))
    throw new MillraceError('MILL_USAGE', `--k is ${text}; it must be whole numbers in 1–1000, comma-separated`)
  return ks
}

function retrainingOf(text: string): Retraining {
  if (text === 'live' || text === 'never') return text
  const seconds = Number(text)
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new MillraceError('MILL_USAGE', `--retrain is ${text}; it must be live, never or whole seconds`)
  return seconds
}
