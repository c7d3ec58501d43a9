import { MillraceError } from '../../core/errors.ts'
import { bagPolicy } from './bag-policy.ts'
import { betaThompsonPolicy } from './beta-thompson-policy.ts'
import { epsilonGreedyPolicy } from './epsilon-greedy-policy.ts'
import { gaussianThompsonPolicy } from './gaussian-thompson-policy.ts'
import { linUcbHybridPolicy } from './lin-ucb-hybrid-policy.ts'
import { linUcbPolicy } from './lin-ucb-policy.ts'
import { linearThompsonPolicy } from './linear-thompson-policy.ts'
import { logisticThompsonPolicy } from './logistic-thompson-policy.ts'
import { neuralLinearPolicy } from './neural-linear-policy.ts'
import type { Policy } from './policy.ts'
import { softmaxPolicy } from './softmax-policy.ts'
import { squareCbPolicy } from './square-cb-policy.ts'

/** A setting of a policy: its default and what it may be. */
interface Setting {
  readonly value: number
  readonly from: number
  readonly to: number
}

type Settings<K extends string> = Readonly<Record<K, Setting>>
type Values<K extends string> = Readonly<Record<K, number>>

interface PolicySpec {
  readonly settings: Settings<string>
  readonly create: (values: Values<string>) => Policy
}

const above0 = Number.MIN_VALUE
const unlimited = Number.MAX_VALUE
const ridge = { value: 1, from: above0, to: unlimited }
const prior = { value: 0.5, from: 0, to: 1 }
const pseudo = { value: 1, from: above0, to: unlimited }

/** Every policy by name, with its settings. */
const specs: Readonly<Record<string, PolicySpec>> = {
  'epsilon-greedy': spec({ epsilon: { value: 0.1, from: 0, to: 1 }, prior: { ...prior, value: 1 }, pseudo }, epsilonGreedyPolicy),
  softmax: spec({ lambda: { value: 10, from: above0, to: unlimited }, prior, pseudo }, softmaxPolicy),
  'beta-thompson': spec({ alpha: pseudo, beta: pseudo }, betaThompsonPolicy),
  'gaussian-thompson': spec({ noise: { value: 0.5, from: above0, to: unlimited }, prior, pseudo }, gaussianThompsonPolicy),
  'linear-thompson': spec(
    {
      width: { value: 0.5, from: above0, to: unlimited },
      lambda: ridge,
      shared: { value: 0, from: 0, to: 1 },
      draws: { value: 1_000, from: 10, to: 100_000 },
    },
    ({ shared, ...rest }) => linearThompsonPolicy({ ...rest, shared: shared !== 0 }),
  ),
  'lin-ucb': spec({ alpha: { value: 1, from: 0, to: unlimited }, lambda: ridge }, linUcbPolicy),
  'lin-ucb-hybrid': spec(
    { shared: { value: 1, from: 1, to: 1_000 }, alpha: { value: 1, from: 0, to: unlimited } },
    linUcbHybridPolicy,
  ),
  'logistic-thompson': spec({ precision: ridge, alpha: { value: 1, from: above0, to: unlimited } }, logisticThompsonPolicy),
  'square-cb': spec(
    { scale: { value: 10, from: 0, to: unlimited }, exponent: { value: 0.5, from: 0, to: 2 }, lambda: ridge },
    squareCbPolicy,
  ),
  bag: spec({ learners: { value: 10, from: 2, to: 100 }, lambda: ridge }, bagPolicy),
  'neural-linear': spec(
    {
      lambda: ridge,
      shape: { value: 1, from: 1, to: unlimited },
      scale: { value: 0.25, from: above0, to: unlimited },
    },
    neuralLinearPolicy,
  ),
}

/** Names that `createPolicy` knows. */
export const policyNames: readonly string[] = Object.keys(specs)

/**
 * All settings of a policy: those given, and the defaults of the others. Errors: `MILL_CONFIG_INVALID` for a name or setting that does
 * not exist, or a value out of range, with what there is.
 */
export function settingsOfPolicy(name: string, given: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const { settings } = specOf(name)
  const values = Object.fromEntries(Object.entries(settings).map(([key, { value }]) => [key, value]))
  for (const [key, value] of Object.entries(given)) {
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined
    if (!setting) {
      const there = Object.keys(settings).join(', ')
      throw new MillraceError('MILL_CONFIG_INVALID', `policy ${name} has no setting "${key}"; it has ${there}`)
    }
    if (!(value >= setting.from && value <= setting.to))
      throw new MillraceError('MILL_CONFIG_INVALID', `${key} of policy ${name} is ${value}; give ${rangeOf(setting)}`)
    values[key] = value
  }
  return values
}

/** A policy by its name, with settings that differ from the defaults. Errors: those of `settingsOfPolicy`. */
export function createPolicy(name: string, given: Readonly<Record<string, number>> = {}): Policy {
  return specOf(name).create(settingsOfPolicy(name, given))
}

function specOf(name: string): PolicySpec {
  const found = Object.hasOwn(specs, name) ? specs[name] : undefined
  if (!found) throw new MillraceError('MILL_CONFIG_INVALID', `there is no policy "${name}"; there are ${policyNames.join(', ')}`)
  return found
}

function spec<K extends string>(settings: Settings<K>, create: (values: Values<K>) => Policy): PolicySpec {
  return { settings, create: create as PolicySpec['create'] }
}

function rangeOf({ from, to }: Setting): string {
  const least = from === above0 ? 'more than 0' : `at least ${from}`
  return to === unlimited ? least : `${least} and at most ${to}`
}
