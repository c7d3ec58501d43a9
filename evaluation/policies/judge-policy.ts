import { crossFit } from '../../algorithms/cross-fit.ts'
import { bootstrapInterval, type Interval } from '../../algorithms/mean-bounds.ts'
import {
  checkWeights,
  directMethod,
  doublyRobust,
  ips,
  meanEstimateOf,
  type OffPolicyLog,
  replay,
  selfNormalizedDoublyRobust,
  shrunkDoublyRobust,
  snips,
  subGaussianDoublyRobust,
  switchDoublyRobust,
} from '../../algorithms/off-policy.ts'
import { MillraceError } from '../../core/errors.ts'
import { createRandom } from '../../core/random.ts'
import { judgeSlates } from './judge-slates.ts'
import type { JudgedPolicy } from './judged-policy.ts'
import { type JudgeOptions, named, type PolicyJudgement } from './policy-judgement.ts'
import type { PolicyLog } from './policy-log.ts'

/** Estimates a policy's mean reward from the rows of a log. Errors: `MILL_REQUEST_INVALID` if no row is left to judge on. */
export function judgePolicy(log: PolicyLog, policy: JudgedPolicy, options: JudgeOptions): PolicyJudgement {
  if (log.slates.length > 0) return judgeSlates(log, policy, options)
  const rows = log.rows - policy.from
  if (rows < 2)
    throw new MillraceError(
      'MILL_REQUEST_INVALID',
      `${rows} rows are left to judge ${policy.name} on; give a longer log or train on less`,
    )
  const columns = columnsOf(log, policy, options)
  const { offPolicy } = columns
  const estimates = [
    named('IPS', ips(offPolicy)),
    named(`clipped IPS (${options.limit})`, ips(offPolicy, options.limit)),
    named('SNIPS', snips(offPolicy)),
    named('DM', directMethod(offPolicy)),
    named('DR', doublyRobust(offPolicy)),
    named('SNDR', selfNormalizedDoublyRobust(offPolicy)),
    named(`Switch-DR (${options.limit})`, switchDoublyRobust(offPolicy, options.limit)),
    named(`DRos (${options.shrinkage})`, shrunkDoublyRobust(offPolicy, options.shrinkage)),
    named('sub-Gaussian DR (.1)', subGaussianDoublyRobust(offPolicy, 0.1)),
  ]
  if (columns.uniform && columns.certain) {
    const { rows: kept, ...estimate } = replay(offPolicy.rewards, columns.matched)
    estimates.push(named(`replay (${kept} rows)`, estimate))
  }
  return {
    policy: policy.name,
    rows,
    logged: named('logged', meanEstimateOf(offPolicy.rewards)),
    estimates,
    check: checkWeights(offPolicy.weights),
    bootstrap: bootstrapOf(offPolicy, log, policy.from, options),
  }
}

interface Columns {
  readonly offPolicy: Required<OffPolicyLog>
  /** Whether the judged policy would certainly have done the same, of each row. */
  readonly matched: boolean[]
  /** Whether the log chose evenly everywhere, and the judged policy is certain everywhere: then replay says something. */
  readonly uniform: boolean
  readonly certain: boolean
}

function columnsOf(log: PolicyLog, policy: JudgedPolicy, { folds }: JudgeOptions): Columns {
  const rows = log.rows - policy.from
  const arms = log.arms.length
  const cells = arms * log.positions
  const cell = new Int32Array(rows)
  const fold = new Int32Array(rows)
  const rewards = new Float64Array(rows)
  for (let n = 0; n < rows; n++) {
    const row = policy.from + n
    cell[n] = log.position[row]! * arms + log.arm[row]!
    fold[n] = (log.unit[row]! < 0 ? row : log.unit[row]!) % folds
    rewards[n] = log.reward[row]!
  }
  const model = crossFit({ cell, cells, rewards, fold, folds })
  const weights = new Float64Array(rows)
  const predicted = new Float64Array(rows)
  const expected = new Float64Array(rows)
  const matched: boolean[] = []
  let uniform = true
  let certain = true
  for (let n = 0; n < rows; n++) {
    const row = policy.from + n
    const candidates = log.candidatesOf(row)
    const chances = policy.chancesOf(row, candidates)
    const own = chances[candidates.indexOf(log.arm[row]!)] ?? 0
    const at = fold[n]! * cells + log.position[row]! * arms
    weights[n] = own / log.propensity[row]!
    predicted[n] = model[at + log.arm[row]!]!
    for (const [place, arm] of candidates.entries()) expected[n]! += chances[place]! * model[at + arm]!
    matched.push(own === 1)
    if (own !== 0 && own !== 1) certain = false
    const even = 1 / candidates.length
    if (Math.abs(log.propensity[row]! - even) > 1e-9) uniform = false
  }
  return { offPolicy: { weights, rewards, predicted, expected }, matched, uniform, certain }
}

/** SNIPS with whole units drawn; rows without one stand for themselves. */
function bootstrapOf({ weights, rewards }: OffPolicyLog, log: PolicyLog, from: number, options: JudgeOptions): Interval {
  const units = new Map<number, number>()
  const sums: number[] = []
  const totals: number[] = []
  for (let n = 0; n < weights.length; n++) {
    const unit = log.unit[from + n]!
    const key = unit < 0 ? -1 - n : unit
    let at = units.get(key)
    if (at === undefined) {
      at = sums.length
      units.set(key, at)
      sums.push(0)
      totals.push(0)
    }
    sums[at]! += weights[n]! * rewards[n]!
    totals[at]! += weights[n]!
  }
  const estimate = (counts: Float64Array): number => {
    let sum = 0
    let total = 0
    for (let unit = 0; unit < counts.length; unit++) {
      sum += counts[unit]! * sums[unit]!
      total += counts[unit]! * totals[unit]!
    }
    return total > 0 ? sum / total : 0
  }
  return bootstrapInterval(sums.length, estimate, createRandom(`policy ${options.seed}`), { resamples: options.resamples })
}
