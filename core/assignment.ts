import { createHash } from 'node:crypto'
import { fnv1a32Units } from './hash.ts'
import { invariant } from './invariant.ts'

/** Whose way of splitting people is followed, so that a shop that splits elsewhere too gets the same people in the same variants. */
export const assignmentHashes = ['growthbook', 'planout'] as const
export type AssignmentHash = (typeof assignmentHashes)[number]

/** How a split differs from the plain one. */
export interface SplitOptions {
  /** Share of each variant's units that take part, 0–1 (1). */
  readonly coverage?: number
  /** `growthbook` if absent. */
  readonly hash?: AssignmentHash
}

/** The part of [0, 1) that belongs to a variant. */
export interface VariantRange {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/** PlanOut divides by the largest number of 15 hexadecimal digits, which as a double is this. */
const planOutScale = 2 ** 60
/** Sums of weights this near to 1 are 1 but for rounding. */
const roundingMax = 1e-9

/**
 * Where a unit falls in [0, 1), in steps of 1/10,000 (GrowthBook's hash, version 2): the FNV-1a of the FNV-1a of seed + unit, over UTF-16
 * units. Hashed twice, so that experiments with related seeds do not split people alike.
 */
export function assignmentPoint(seed: string, unit: string): number {
  return (fnv1a32Units(String(fnv1a32Units(seed + unit))) % 10_000) / 10_000
}

/**
 * Where a unit falls in [0, 1] by PlanOut: the first 15 hexadecimal digits of the SHA-1 of `<salt>.<unit>`. PlanOut's salt of a random
 * choice is `<experiment>.<parameter>`.
 */
export function planOutPoint(salt: string, unit: string): number {
  const digits = createHash('sha1').update(`${salt}.${unit}`).digest('hex').slice(0, 15)
  return Number.parseInt(digits, 16) / planOutScale
}

/**
 * Ranges of variants by weight (≥ 0, any sum above 0). `coverage` in [0, 1] shrinks each range in place, from its end: ramping up
 * then adds people to every variant and moves nobody. Two equal arms at .5: [0, .25) and [.5, .75).
 */
export function variantRanges(weights: readonly number[], coverage = 1): VariantRange[] {
  const sum = weightSum(weights, coverage)
  // Not divided by a sum that only rounding keeps from 1: the ranges are those of GrowthBook to the last bit.
  const total = Math.abs(sum - 1) < roundingMax ? 1 : sum
  let from = 0
  return weights.map((weight) => {
    const share = weight / total
    const range = { from, to: from + share * coverage }
    from += share
    return range
  })
}

/** The variant whose range holds `point`, -1 if none does: the unit is not in the experiment. */
export function variantAt(point: number, ranges: readonly VariantRange[]): number {
  return ranges.findIndex((range) => point >= range.from && point < range.to)
}

/** The variant of `unit`, -1 if it is not in the experiment. By PlanOut `seed` is the salt. */
export function assignVariant(seed: string, unit: string, weights: readonly number[], options: SplitOptions = {}): number {
  const { coverage = 1, hash = 'growthbook' } = options
  if (hash === 'planout') return weightedChoice(planOutPoint(seed, unit), weights, coverage)
  return variantAt(assignmentPoint(seed, unit), variantRanges(weights, coverage))
}

/** PlanOut's weightedChoice: the first variant whose cumulative weight `point` does not exceed, ends included, nothing normalised. */
function weightedChoice(point: number, weights: readonly number[], coverage: number): number {
  const place = point * weightSum(weights, coverage)
  let from = 0
  const variant = weights.findIndex((weight) => {
    from += weight
    return place <= from
  })
  // PlanOut itself knows no coverage: each part shrinks in place, as above.
  const isCovered = coverage === 1 || place <= from - weights[variant]! * (1 - coverage)
  return isCovered && coverage > 0 ? variant : -1
}

/** The sum of weights. Errors: `MILL_INVARIANT` for weights or a coverage that split nothing. */
function weightSum(weights: readonly number[], coverage: number): number {
  const sum = weights.reduce((a, b) => a + b, 0)
  invariant(sum > 0 && weights.every((weight) => weight >= 0), 'variants: weights must not be negative, and not all 0')
  invariant(coverage >= 0 && coverage <= 1, 'variants: coverage must lie in [0, 1]')
  return sum
}
