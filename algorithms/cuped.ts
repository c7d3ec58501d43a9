import type { MeanEstimate } from './difference.ts'

/**
 * Sums over people of an outcome y and a covariate x known before the experiment (the same metric, earlier); they merge by
 * addition. A person without history has x = 0.
 */
export interface CupedSums {
  count: number
  y: number
  x: number
  /** Σ y², Σ x², Σ x·y over people. */
  ySquared: number
  xSquared: number
  product: number
}

/** Nobody yet. */
export function emptyCupedSums(): CupedSums {
  return { count: 0, y: 0, x: 0, ySquared: 0, xSquared: 0, product: 0 }
}

/** Adds a person, in place; `sign` −1 takes one away. */
export function addToCuped(sums: CupedSums, y: number, x: number, sign: 1 | -1 = 1): void {
  sums.count += sign
  sums.y += sign * y
  sums.x += sign * x
  sums.ySquared += sign * y * y
  sums.xSquared += sign * x * x
  sums.product += sign * x * y
}

/** Adds other people, in place. */
export function mergeCuped(sums: CupedSums, other: CupedSums): void {
  sums.count += other.count
  sums.y += other.y
  sums.x += other.x
  sums.ySquared += other.ySquared
  sums.xSquared += other.xSquared
  sums.product += other.product
}

/** θ = Cov(Y, X) / Var(X) over the people of all arms together: one θ for all, or the arms could not be compared. 0 without variance. */
export function cupedTheta(arms: readonly CupedSums[]): number {
  const pooled = emptyCupedSums()
  for (const arm of arms) mergeCuped(pooled, arm)
  const variance = varianceX(pooled)
  return variance > 0 ? covariance(pooled) / variance : 0
}

/**
 * The outcome with the part explained by the past taken out (Deng, Xu, Kohavi, Walker, WSDM 2013): mean Ȳ − θX̄, variance
 * Var(Y) + θ²Var(X) − 2θCov(X, Y). Hand two arms to `welchDifference`. Variance 0 below two people.
 */
export function cupedEstimate(sums: CupedSums, theta: number): MeanEstimate {
  const { count, x, y } = sums
  if (count === 0) return { mean: 0, variance: 0, count }
  const mean = y / count - (theta * x) / count
  if (count < 2) return { mean, variance: 0, count }
  const varianceY = (sums.ySquared - (y * y) / count) / (count - 1)
  const variance = varianceY + theta * theta * varianceX(sums) - 2 * theta * covariance(sums)
  return { mean, variance: Math.max(0, variance), count }
}

function varianceX({ count, x, xSquared }: CupedSums): number {
  return count > 1 ? (xSquared - (x * x) / count) / (count - 1) : 0
}

function covariance({ count, x, y, product }: CupedSums): number {
  return count > 1 ? (product - (x * y) / count) / (count - 1) : 0
}
