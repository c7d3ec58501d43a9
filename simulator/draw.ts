import type { Random } from '../core/random.ts'

/** Draws from the distributions that the shop needs, all from a seeded generator. */
export const draw = {
  /** Standard normal (Box–Muller, one value per call). */
  normal(random: Random): number {
    return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
  },

  /** Exponential with the given mean, cut at eight means. */
  exponential(random: Random, mean: number): number {
    return Math.min(8, -Math.log(1 - random.next())) * mean
  },

  /** One element, each as likely. */
  oneOf<T>(random: Random, values: readonly T[]): T {
    return values[random.below(values.length)]!
  },

  /** An index with probability proportional to exp(score): `count` scores from `scores`. */
  softmax(random: Random, scores: ArrayLike<number>, count = scores.length): number {
    let max = Number.NEGATIVE_INFINITY
    for (let i = 0; i < count; i++) if (scores[i]! > max) max = scores[i]!
    let total = 0
    for (let i = 0; i < count; i++) total += Math.exp(scores[i]! - max)
    let left = random.next() * total
    for (let i = 0; i < count; i++) {
      left -= Math.exp(scores[i]! - max)
      if (left < 0) return i
    }
    return count - 1
  },

  /** An index from cumulative weights (ascending, last = total). */
  cumulative(random: Random, sums: Float64Array): number {
    const target = random.next() * sums[sums.length - 1]!
    let low = 0
    let high = sums.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! > target) high = middle
      else low = middle + 1
    }
    return low
  },
} as const
