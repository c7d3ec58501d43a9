import { fnv1a32 } from './hash.ts'
import { invariant } from './invariant.ts'

/** The part of [0, 1) that belongs to a variant. */
export interface VariantRange {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/**
 * Where a unit falls in [0, 1), in steps of 1/10,000 (GrowthBook's hash, version 2): fnv1a32(String(fnv1a32(seed + unit))).
 * Hashed twice, so that experiments with related seeds do not split people alike.
 */
export function assignmentPoint(seed: string, unit: string): number {
  return (fnv1a32(String(fnv1a32(seed + unit))) % 10_000) / 10_000
}

/**
 * Ranges of variants by weight (≥ 0, any sum above 0). `coverage` in [0, 1] shrinks each range in place, from its end: ramping up
 * then adds people to every variant and moves nobody. Two equal arms at .5: [0, .25) and [.5, .75).
 */
export function variantRanges(weights: readonly number[], coverage = 1): VariantRange[] {
  const total = weights.reduce((a, b) => a + b, 0)
  invariant(total > 0 && weights.every((weight) => weight >= 0), 'variants: weights must not be negative, and not all 0')
  invariant(coverage >= 0 && coverage <= 1, 'variants: coverage must lie in [0, 1]')
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

/** The variant of `unit`, -1 if it is not in the experiment. */
export function assignVariant(seed: string, unit: string, weights: readonly number[], coverage = 1): number {
  return variantAt(assignmentPoint(seed, unit), variantRanges(weights, coverage))
}
