/**
 * How much people spent, as a histogram: `weights[step]` people who spent about 2^(step / 3), each of weight 2^(−age / 90 d) by the time of
 * their last purchase, at one landmark as in decayed-sum.ts.
 */
export interface SpendRanks {
  weights: number[]
  /** The landmark, a whole number of half-lives; 0 before the first purchase. */
  referenceMs: number
}

/** Half-life of somebody who bought, among buyers. */
export const spenderHalfLifeMs: number = 90 * 86_400_000
const stepsPerDoubling = 3
/** What money can hold at most is some 40 doublings. */
const stepsMax = 40 * stepsPerDoubling
/** A few people say little of where somebody stands: so many more are taken to spend, half of them less and half more. */
const pseudoPeople = 10
/** Ranks of high-value people: the top tenth. */
const highRankMin = 0.9
const highOrdersMin = 2

/** The step of an amount above 0: steps are a third of a doubling wide. */
export function spendStep(spend: number): number {
  return Math.min(stepsMax, Math.floor(stepsPerDoubling * Math.log2(1 + spend)))
}

/** Counts `people`, below 0 to take some back, of a step at `timeMs`, in place; any order of arrival. A step that cannot be is ignored. */
export function countSpend(ranks: SpendRanks, step: number, people: number, timeMs: number): void {
  if (!(step >= 0 && step <= stepsMax && Number.isInteger(step))) return
  while (ranks.weights.length <= step) ranks.weights.push(0)
  const landmarkMs = Math.floor(timeMs / spenderHalfLifeMs) * spenderHalfLifeMs
  if (landmarkMs > ranks.referenceMs) {
    const factor = ranks.referenceMs === 0 ? 0 : 2 ** Math.round((ranks.referenceMs - landmarkMs) / spenderHalfLifeMs)
    for (let at = 0; at < ranks.weights.length; at++) ranks.weights[at]! *= factor
    ranks.referenceMs = landmarkMs
  }
  ranks.weights[step]! += people * 2 ** ((timeMs - ranks.referenceMs) / spenderHalfLifeMs)
}

/** People by step as of `nowMs`; what rounding leaves of those who were taken back is nobody. */
export function spendWeights({ weights, referenceMs }: SpendRanks, nowMs: number): number[] {
  const factor = 2 ** ((referenceMs - nowMs) / spenderHalfLifeMs)
  return weights.map((weight) => Math.max(0, weight * factor))
}

/** Share of buyers who spent less than `spend`, half of those of its step counted, 10 pseudo-people added; NaN for nothing spent. */
export function spendRank(weights: readonly number[], spend: number): number {
  if (!(spend > 0)) return Number.NaN
  const step = spendStep(spend)
  let below = pseudoPeople / 2 + (weights[step] ?? 0) / 2
  let total = pseudoPeople
  for (let at = 0; at < weights.length; at++) {
    total += weights[at]!
    if (at < step) below += weights[at]!
  }
  return below / total
}

/** Whether somebody of this rank and number of orders is a high-value customer (features.md F16.10): top tenth, two orders at least. */
export function isHighValue(rank: number, orders: number): boolean {
  return rank >= highRankMin && orders >= highOrdersMin
}
