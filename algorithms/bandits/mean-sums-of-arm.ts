import type { ArmSums, Choices, Observation } from './policy.ts'

/** Layout of an arm without context: Σw, Σwr, Σwr². */
export const meanWidth = 3

/** Adds a reward to an arm without context, in place. */
export function observeMean(sums: Float64Array, { reward, weight }: Observation): void {
  sums[0]! += weight
  sums[1]! += weight * reward
  sums[2]! += weight * reward * reward
}

/** Mean of an arm with `pseudo` > 0 observations of `prior` before the first: an arm that nobody has seen has the prior. */
export function shrunkMean(sums: Float64Array | undefined, prior: number, pseudo: number): number {
  return ((sums?.[1] ?? 0) + pseudo * prior) / ((sums?.[0] ?? 0) + pseudo)
}

/** `shrunkMean` of every candidate. */
export function meansOf(choices: Choices, sums: ArmSums, prior: number, pseudo: number): Float64Array {
  return Float64Array.from(choices.arms, (arm) => shrunkMean(sums.get(arm), prior, pseudo))
}
