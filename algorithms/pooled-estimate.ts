import type { MeanEstimate } from './difference.ts'

/**
 * The mean of independent groups' means, each counting alike, as one estimate: its standard error holds what varies within the
 * groups only, so groups that differ among themselves do not blur a difference measured in each of them (post-stratification).
 * Groups without units are left out; without any, mean 0 of nobody.
 */
export function pooledEstimate(groups: readonly MeanEstimate[]): MeanEstimate {
  const known = groups.filter(({ count }) => count > 0)
  const size = known.length
  let [mean, squaredError, count] = [0, 0, 0]
  for (const group of known) {
    mean += group.mean / size
    squaredError += group.variance / group.count / size ** 2
    count += group.count
  }
  return { mean, variance: squaredError * count, count }
}
