import type { MeanEstimate } from './difference.ts'

/** Sums over units (people) from which a mean and its variance follow; they merge by addition. */
export interface MeanSums {
  count: number
  sum: number
  sumOfSquares: number
}

/** No units. */
export function emptyMeanSums(): MeanSums {
  return { count: 0, sum: 0, sumOfSquares: 0 }
}

/** Adds a unit with its value, in place. */
export function addUnit(sums: MeanSums, value: number): void {
  sums.count++
  sums.sum += value
  sums.sumOfSquares += value * value
}

/** A unit's value moved, in place: what a stream does, as a person's purchases come one by one. */
export function moveUnit(sums: MeanSums, before: number, after: number): void {
  sums.sum += after - before
  sums.sumOfSquares += after * after - before * before
}

/** Adds other units, in place; `sign` −1 takes them away. */
export function mergeMeanSums(sums: MeanSums, other: MeanSums, sign: 1 | -1 = 1): void {
  sums.count += sign * other.count
  sums.sum += sign * other.sum
  sums.sumOfSquares += sign * other.sumOfSquares
}

/** Mean and sample variance (n − 1); variance 0 below two units. */
export function meanEstimate({ count, sum, sumOfSquares }: MeanSums): MeanEstimate {
  const mean = count > 0 ? sum / count : 0
  const variance = count > 1 ? Math.max(0, (sumOfSquares - sum * mean) / (count - 1)) : 0
  return { mean, variance, count }
}

/** Mean and variance p (1 − p) of a share: `successes` of `count` units. */
export function shareEstimate(successes: number, count: number): MeanEstimate {
  const mean = count > 0 ? successes / count : 0
  return { mean, variance: mean * (1 - mean), count }
}
