import type { Random } from '../core/random.ts'

/** A 95 % interval: from, to. */
export type Interval = readonly [number, number]

/** A difference of two means with its 95 % interval. */
export interface PairedDifference {
  readonly difference: number
  readonly interval: Interval
}

/** Draws of all resamples at most: resamples times clusters. */
const drawsMax = 40_000_000

/**
 * Compares mean scores per question in pairs, by a bootstrap over clusters (sessions or users): questions of one cluster are not
 * independent, so whole clusters are drawn, the same ones for every score. 2,000 resamples, fewer (200 at least) where there are
 * more than 20,000 clusters.
 */
export class PairedBootstrap {
  readonly #width: number
  readonly #means: Float64Array
  /** Row by row the means of every score in one resample. */
  readonly #resampled: Float64Array
  readonly #resamples: number

  /** `sums`: per score the sum in each cluster; `counts`: questions of each cluster. */
  constructor(sums: readonly Float64Array[], counts: Int32Array, random: Random) {
    const width = sums.length
    const asked = counts.reduce((clusters, count) => clusters + (count > 0 ? 1 : 0), 0)
    // Side by side per cluster, so that a draw touches one place.
    const cells = new Float64Array(asked * width)
    const weights = new Float64Array(asked)
    let at = 0
    counts.forEach((count, cluster) => {
      if (count === 0) return
      weights[at] = count
      for (let score = 0; score < width; score++) cells[at * width + score] = sums[score]![cluster]!
      at++
    })
    this.#width = width
    this.#resamples = asked === 0 ? 0 : Math.max(200, Math.min(2000, Math.floor(drawsMax / asked)))
    this.#means = meansOf(cells, weights, width, (draw) => draw)
    this.#resampled = new Float64Array(this.#resamples * width)
    for (let n = 0; n < this.#resamples; n++)
      this.#resampled.set(
        meansOf(cells, weights, width, () => random.below(asked)),
        n * width,
      )
  }

  /** Mean of score `a` minus mean of score `b`, with the 95 % percentile interval; all 0 without questions. */
  compare(a: number, b: number): PairedDifference {
    if (this.#resamples === 0) return { difference: 0, interval: [0, 0] }
    const interval = this.#percentiles((means) => means[a]! - means[b]!)
    return { difference: this.#means[a]! - this.#means[b]!, interval }
  }

  /** The 95 % percentile interval of the mean of a score; 0 to 0 without questions. */
  interval(score: number): Interval {
    return this.#resamples === 0 ? [0, 0] : this.#percentiles((means) => means[score]!)
  }

  /** 2.5 and 97.5 % of what `of` makes of the means of a resample. */
  #percentiles(of: (means: Float64Array) => number): Interval {
    const width = this.#width
    const values = Float64Array.from({ length: this.#resamples }, (_, n) =>
      of(this.#resampled.subarray(n * width, (n + 1) * width)),
    ).sort()
    const at = (share: number) => values[Math.min(this.#resamples - 1, Math.floor(share * this.#resamples))]!
    return [at(0.025), at(0.975)]
  }
}

/** Mean of every score over as many clusters as there are, the n-th of them `pick(n)`. */
function meansOf(cells: Float64Array, weights: Float64Array, width: number, pick: (draw: number) => number): Float64Array {
  const totals = new Float64Array(width)
  let weight = 0
  for (let draw = 0; draw < weights.length; draw++) {
    const cluster = pick(draw)
    weight += weights[cluster]!
    const start = cluster * width
    for (let score = 0; score < width; score++) totals[score]! += cells[start + score]!
  }
  return totals.map((total) => total / weight)
}
