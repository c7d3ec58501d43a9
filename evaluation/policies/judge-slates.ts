import { slotChances } from '../../algorithms/bandits/slot-chances.ts'
import { crossFit } from '../../algorithms/cross-fit.ts'
import { checkWeights, meanEstimateOf, type WeightCheck } from '../../algorithms/off-policy.ts'
import {
  cascadeDoublyRobust,
  independentIps,
  rewardInteractionIps,
  type SlateLog,
  slateIps,
} from '../../algorithms/slate-off-policy.ts'
import { MillraceError } from '../../core/errors.ts'
import { createRandom } from '../../core/random.ts'
import type { JudgedPolicy } from './judged-policy.ts'
import { type JudgeOptions, named, type PolicyJudgement } from './policy-judgement.ts'
import type { PolicyLog } from './policy-log.ts'

/** Slates from which the judged policy's marginal chances are counted where they cannot be had exactly. */
const marginalDraws = 500

/**
 * Estimates what a slate of a policy brings, all its slots together, from a log of slates. A log with shorter slates among them counts their
 * missing slots as empty. Errors: `MILL_REQUEST_INVALID` if no slate is left to judge on.
 */
export function judgeSlates(log: PolicyLog, policy: JudgedPolicy, options: JudgeOptions): PolicyJudgement {
  const firsts = log.slates.filter((first) => first >= policy.from)
  if (firsts.length < 2)
    throw new MillraceError(
      'MILL_REQUEST_INVALID',
      `${firsts.length} slates are left to judge ${policy.name} on; give a longer log or train on less`,
    )
  const slates = columnsOf(log, policy, firsts, options)
  const estimates = [
    named('slate IPS', slateIps(slates)),
    named('RIPS', rewardInteractionIps(slates)),
    named('cascade-DR', cascadeDoublyRobust(slates)),
  ]
  if (slates.marginal) estimates.push(named('IIPS', independentIps(slates)))
  const { conditional, rewards, slots } = slates
  const perSlate = (of: Float64Array, merge: (all: Float64Array) => number) =>
    Float64Array.from(firsts, (_, n) => merge(of.subarray(n * slots, (n + 1) * slots)))
  return {
    policy: policy.name,
    rows: firsts.length,
    logged: named('logged', meanEstimateOf(perSlate(rewards, (all) => all.reduce((sum, one) => sum + one, 0)))),
    estimates,
    check: checkWeights(perSlate(conditional, (all) => all.reduce((product, one) => product * one, 1))),
    bootstrap: null,
    marginalCheck: slates.marginal ? worstSlot(slates.marginal, slots) : null,
  }
}

/** Of the slots' marginal weights those that carry least. */
function worstSlot(marginal: Float64Array, slots: number): WeightCheck {
  const checks = Array.from({ length: slots }, (_, slot) => checkWeights(marginal.filter((_weight, at) => at % slots === slot)))
  return checks.reduce((worst, one) => {
    if ((one.refusal === null) !== (worst.refusal === null)) return one.refusal === null ? worst : one
    return one.effectiveSize < worst.effectiveSize ? one : worst
  })
}

/** An empty slot is as likely under both policies (1) and brings nothing. */
function columnsOf(
  log: PolicyLog,
  policy: JudgedPolicy,
  firsts: readonly number[],
  options: JudgeOptions,
): Omit<Required<SlateLog>, 'marginal'> & Pick<SlateLog, 'marginal'> {
  const slots = log.positions
  const cells = firsts.length * slots
  const conditional = new Float64Array(cells).fill(1)
  const marginal = new Float64Array(cells).fill(1)
  const rewards = new Float64Array(cells)
  const predicted = new Float64Array(cells)
  const expected = new Float64Array(cells)
  const model = returnModel(log, firsts, options)
  let hasMarginals = true
  firsts.forEach((first, n) => {
    const length = log.slateLength(first)
    const own = Number.isNaN(log.marginal[first]!) ? null : marginalsOf(log, policy, first, length, options.seed)
    if (own === null) hasMarginals = false
    for (let slot = 0; slot < length; slot++) {
      const row = first + slot
      const at = n * slots + slot
      const candidates = log.candidatesOf(row)
      const chances = policy.chancesOf(row, candidates)
      const shown = candidates.indexOf(log.arm[row]!)
      conditional[at] = (chances[shown] ?? 0) / log.propensity[row]!
      if (own) marginal[at] = own[slot]! / log.marginal[row]!
      rewards[at] = log.reward[row]!
      predicted[at] = model(n, slot, log.arm[row]!)
      for (const [place, arm] of candidates.entries()) expected[at]! += chances[place]! * model(n, slot, arm)
    }
  })
  return { slots, conditional, rewards, predicted, expected, ...(hasMarginals && { marginal }) }
}

/** The judged policy's chance to show what a slate shows in each of its slots, whatever stands above. */
function marginalsOf(log: PolicyLog, policy: JudgedPolicy, first: number, length: number, seed: number): Float64Array {
  const candidates = log.candidatesOf(first)
  const { values } = slotChances(
    {
      candidates: candidates.length,
      slots: length,
      chancesAmong: (left) =>
        policy.chancesOf(
          first,
          Int32Array.from(left, (place) => candidates[place]!),
        ),
    },
    marginalDraws,
    createRandom(`marginals ${seed} ${first}`),
  )
  return Float64Array.from(
    { length },
    (_, slot) => values[slot * candidates.length + candidates.indexOf(log.arm[first + slot]!)] ?? 0,
  )
}

/** What an arm in a slot and the slots below it bring, by other people's slates: mean returns of each arm in each slot (cross-fitted). */
function returnModel(
  log: PolicyLog,
  firsts: readonly number[],
  { folds }: JudgeOptions,
): (slate: number, slot: number, arm: number) => number {
  const arms = log.arms.length
  const rows = firsts.flatMap((first, n) =>
    Array.from({ length: log.slateLength(first) }, (_, slot) => ({ n, row: first + slot, end: first + log.slateLength(first) })),
  )
  const foldOf = (n: number) => (log.unit[firsts[n]!]! < 0 ? n : log.unit[firsts[n]!]!) % folds
  const cells = arms * log.positions
  const model = crossFit({
    cell: Int32Array.from(rows, ({ row }) => log.position[row]! * arms + log.arm[row]!),
    cells,
    rewards: Float64Array.from(rows, ({ row, end }) => log.reward.slice(row, end).reduce((sum, one) => sum + one, 0)),
    fold: Int32Array.from(rows, ({ n }) => foldOf(n)),
    folds,
  })
  return (n, slot, arm) => model[foldOf(n) * cells + slot * arms + arm]!
}
