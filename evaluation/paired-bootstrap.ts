import type { Random } from '../core/random.ts'

/** A difference of two means with its 95 % interval. */
export interface PairedDifference {
  readonly difference: number
  readonly interval: readonly [number, number]
}

/** Draws of one comparison at most: resamples times clusters. */
const drawsMax = 100_000_000

/**
 * Difference of two mean scores per question, with the 95 % percentile interval of a bootstrap over clusters (sessions or users):
 * questions of one cluster are not independent, so whole clusters are drawn. `a`, `b`: sums of scores per cluster; `counts`:
 * questions per cluster. 2,000 resamples, fewer (200 at least) where there are more than 50,000 clusters.
 */
export function pairedBootstrap(a: Float64Array, b: Float64Array, counts: Int32Array, random: Random): PairedDifference {
  const asked: number[] = []
  for (let cluster = 0; cluster < counts.length; cluster++) if (counts[cluster]! > 0) asked.push(cluster)
  const differences = Float64Array.from(asked, (cluster) => a[cluster]! - b[cluster]!)
  const weights = Float64Array.from(asked, (cluster) => counts[cluster]!)
  const size = asked.length
  if (size === 0) return { difference: 0, interval: [0, 0] }
  const resamples = Math.max(200, Math.min(2000, Math.floor(drawsMax / size)))
  const means = new Float64Array(resamples)
  for (let n = 0; n < resamples; n++) {
    let sum = 0
    let weight = 0
    for (let draw = 0; draw < size; draw++) {
      const cluster = random.below(size)
      sum += differences[cluster]!
      weight += weights[cluster]!
    }
    means[n] = sum / weight
  }
  means.sort()
  const at = (share: number) => means[Math.min(resamples - 1, Math.floor(share * resamples))]!
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return { difference: differences.reduce((sum, one) => sum + one, 0) / total, interval: [at(0.025), at(0.975)] }
}
