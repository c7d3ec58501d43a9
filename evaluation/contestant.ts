import { MillraceError } from '../core/errors.ts'
import { createRandom } from '../core/random.ts'
import { HeldBack } from './held-back.ts'
import type { Recommender, RecommenderSpec, RecommenderWorld, Settings, SettingValue } from './recommender.ts'

/** When an algorithm learns what happened: at once, never after the training part, or at the next full multiple of so many seconds. */
export type Retraining = 'live' | 'never' | number

/** One algorithm with its settings and a label of its own, ready to be judged. */
export interface Contestant {
  readonly label: string
  readonly algorithm: string
  readonly settings: Settings
  readonly retraining: Retraining
  readonly recommender: Recommender
}

export interface ContestantChoice {
  /** Names with an optional label: `stan`, `stan:short`. */
  readonly algorithms: readonly string[]
  /** `label.key=value`. */
  readonly settings: readonly string[]
  /** Each algorithm takes part once for each. */
  readonly retraining: readonly Retraining[]
}

/** An algorithm as asked for, before it is made. */
export interface ContestantPlan {
  readonly label: string
  readonly spec: RecommenderSpec
  readonly settings: Settings
  readonly retraining: Retraining
}

/** Reads what takes part. Errors: `MILL_USAGE` naming the algorithm, the setting and what there is. */
export function chooseContestants(specs: readonly RecommenderSpec[], choice: ContestantChoice): ContestantPlan[] {
  const chosen = choice.algorithms.map((text) => {
    const name = text.split(':')[0]!
    const spec = specs.find((known) => known.name === name)
    if (spec === undefined)
      throw new MillraceError(
        'MILL_USAGE',
        `there is no algorithm "${name}"; there are ${specs.map((known) => known.name).join(', ')}; models of a repository take part with --repository DIR`,
      )
    return { label: text, spec }
  })
  const labels = chosen.map(({ label }) => label)
  const twice = labels.find((label, n) => labels.indexOf(label) < n)
  if (twice !== undefined)
    throw new MillraceError('MILL_USAGE', `"${twice}" is named twice; give one a label of its own, e.g. ${twice}:other`)
  const settings = readSettings(chosen, choice.settings)
  const many = choice.retraining.length > 1
  return chosen.flatMap(({ label, spec }) =>
    choice.retraining.map((retraining) => ({
      label: many ? `${label} (${nameOf(retraining)})` : label,
      spec,
      settings: { ...spec.defaults, ...settings.get(label) },
      retraining,
    })),
  )
}

/** Makes what was chosen, each with random numbers of its own. */
export function createContestants(
  plans: readonly ContestantPlan[],
  world: Omit<RecommenderWorld, 'random'>,
  seed: number,
): Contestant[] {
  return plans.map(({ label, spec, settings, retraining }) => {
    const inner = spec.create({ ...world, random: createRandom(`${spec.name} ${seed}`) }, settings)
    const recommender = retraining === 'live' ? inner : new HeldBack(inner, retraining)
    return { label, algorithm: spec.name, settings, retraining, recommender }
  })
}

function nameOf(retraining: Retraining): string {
  return typeof retraining === 'number' ? `every ${retraining} s` : retraining
}

function readSettings(
  chosen: readonly { label: string; spec: RecommenderSpec }[],
  texts: readonly string[],
): Map<string, Record<string, SettingValue>> {
  const read = new Map<string, Record<string, SettingValue>>()
  for (const text of texts) {
    const match = /^([^=]+)\.([A-Za-z]\w*)=(.*)$/.exec(text)
    if (!match) throw new MillraceError('MILL_USAGE', `--setting ${text}: write algorithm.key=value, e.g. stan.k=100`)
    const [, label, key, value] = match as unknown as [string, string, string, string]
    const found = chosen.find((one) => one.label === label)
    if (!found)
      throw new MillraceError(
        'MILL_USAGE',
        `--setting ${text}: "${label}" does not take part; there are ${chosen.map((one) => one.label).join(', ')}`,
      )
    const known = found.spec.defaults[key]
    if (known === undefined)
      throw new MillraceError(
        'MILL_USAGE',
        `--setting ${text}: ${found.spec.name} has no setting "${key}"; it has ${Object.keys(found.spec.defaults).join(', ') || 'none'}`,
      )
    read.set(label, { ...read.get(label), [key]: valueLike(known, value, text) })
  }
  return read
}

function valueLike(known: SettingValue, value: string, text: string): SettingValue {
  if (typeof known === 'string') return value
  if (typeof known === 'boolean') {
    if (value === 'true' || value === 'false') return value === 'true'
    throw new MillraceError('MILL_USAGE', `--setting ${text}: it must be true or false`)
  }
  const number = value.trim() === '' ? Number.NaN : Number(value)
  if (!Number.isFinite(number)) throw new MillraceError('MILL_USAGE', `--setting ${text}: it must be a number`)
  return number
}
