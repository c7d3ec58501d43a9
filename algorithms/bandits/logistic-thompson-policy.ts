import { normalThompson } from './normal-thompson.ts'
import type { ArmSums, Choices, Observation, Policy } from './policy.ts'

/** Settings of `logisticThompsonPolicy`. */
export interface LogisticThompsonOptions {
  /** Precision of every weight before the first observation, > 0 (1). */
  readonly precision?: number
  /** α > 0: the posterior's width, 1 as it is (1). */
  readonly alpha?: number
}

/**
 * Logistic regression with a diagonal Laplace posterior and Thompson sampling (Chapelle & Li, NIPS 2011, algorithm 3), one regression per
 * arm, rewards in [0, 1]. An observation moves the mean to the mode w* and adds x²p(1 − p) to the precision q; w ~ N(m, α²/q), so the
 * log odds of a candidate are normal and chances exact.
 *
 * Sums: what observations added to q, and to q·m. Each depends on what came before, so they are those of the log's order; adding two
 * shards is the usual approximation, not the same as one.
 */
export function logisticThompsonPolicy({ precision = 1, alpha = 1 }: LogisticThompsonOptions = {}): Policy {
  const posteriorsOf = ({ arms, features, width: d }: Choices, sums: ArmSums) => {
    const means = new Float64Array(arms.length)
    const deviations = new Float64Array(arms.length)
    arms.forEach((name, place) => {
      const arm = sums.get(name)
      let variance = 0
      for (let i = 0; i < d; i++) {
        const x = features[place * d + i]!
        const q = precision + (arm?.[i] ?? 0)
        means[place]! += ((arm?.[d + i] ?? 0) / q) * x
        variance += (x * x) / q
      }
      deviations[place] = alpha * Math.sqrt(variance)
    })
    return { means, deviations }
  }
  return {
    name: 'logistic-thompson',
    ordered: true,
    armOf: (arm) => arm,
    width: (features) => 2 * features,
    observe: (sums, observation) => observeLogistic(sums, observation, precision),
    // The log likelihood is linear in r: a changed reward shifts q·m by x(r − before) and leaves q, whatever was learned in between.
    correct: (sums, { features: x, reward, weight }, before) => {
      for (let i = 0; i < x.length; i++) sums[x.length + i]! += weight * (reward - before) * x[i]!
    },
    ...normalThompson(posteriorsOf),
    expected: () => Number.NaN,
  }
}

/** Newton steps for the one unknown, the log odds at the mode; it converges in a few. */
const stepsMax = 50

/** w* = m + (x/q)·w(r − σ(t)) with t = x·w*: one equation, t = a + c·w(r − σ(t)), whatever the number of features. */
function observeLogistic(sums: Float64Array, { features: x, reward, weight }: Observation, precision: number): void {
  const d = x.length
  let a = 0
  let c = 0
  for (let i = 0; i < d; i++) {
    const q = precision + sums[i]!
    a += (x[i]! * sums[d + i]!) / q
    c += (x[i]! * x[i]!) / q
  }
  let t = a
  let p = sigmoid(t)
  for (let step = 0; step < stepsMax; step++) {
    const change = (t - a - c * weight * (reward - p)) / (1 + c * weight * p * (1 - p))
    t -= change
    p = sigmoid(t)
    if (Math.abs(change) <= 1e-12 * Math.max(1, Math.abs(t))) break
  }
  for (let i = 0; i < d; i++) {
    const before = precision + sums[i]!
    const mode = sums[d + i]! / before + (x[i]! / before) * weight * (reward - p)
    sums[i]! += weight * x[i]! * x[i]! * p * (1 - p)
    sums[d + i] = (precision + sums[i]!) * mode
  }
}

function sigmoid(t: number): number {
  return 1 / (1 + Math.exp(-t))
}
