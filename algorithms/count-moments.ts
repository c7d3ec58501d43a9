import type { ClickThrough } from './click-through.ts'
import type { CupedSums } from './cuped.ts'
import type { MeanSums } from './mean-sums.ts'

/**
 * First and second moments of several counts over people, from which means, ratios and covariances of any of them follow. They merge
 * by addition, and are exact while the sums stay whole numbers below 2^53.
 */
export interface CountMoments {
  people: number
  /** Σ of each count. */
  sums: number[]
  /** Σ of their products, row by row of the upper triangle: Σ c₀c₀, Σ c₀c₁, …, Σ c₁c₁, … */
  products: number[]
}

/** Nobody yet; `counts` is how many counts a person has. */
export function emptyMoments(counts: number): CountMoments {
  return { people: 0, sums: new Array(counts).fill(0), products: new Array((counts * (counts + 1)) / 2).fill(0) }
}

/** A person's counts moved, in place: what a stream does. Pass an empty `before` for a person not seen yet. */
export function movePerson(moments: CountMoments, before: readonly number[], after: readonly number[]): void {
  if (before.length > 0) addCounts(moments, before, -1)
  addCounts(moments, after, 1)
}

/** Sums of count `index` for `meanEstimate`, in units of `unit`. */
export function meanSumsOf({ people, sums, products }: CountMoments, index: number, unit = 1): MeanSums {
  return {
    count: people,
    sum: unit * sums[index]!,
    sumOfSquares: unit * unit * products[placeOf(index, index, sums.length)]!,
  }
}

/** Sums of count `of` per count `per` for `clickThroughEstimate`, in units of `unit`. */
export function ratioSumsOf({ people, sums, products }: CountMoments, of: number, per: number, unit = 1): ClickThrough {
  return {
    count: people,
    clicks: unit * sums[of]!,
    impressions: sums[per]!,
    clicksSquared: unit * unit * products[placeOf(of, of, sums.length)]!,
    impressionsSquared: products[placeOf(per, per, sums.length)]!,
    product: unit * products[placeOf(of, per, sums.length)]!,
  }
}

/** Sums of count `of`, with count `past` as what was known before, for `cupedEstimate`; in units of `unit`. */
export function cupedSumsOf({ people, sums, products }: CountMoments, of: number, past: number, unit = 1): CupedSums {
  return {
    count: people,
    y: unit * sums[of]!,
    x: sums[past]!,
    ySquared: unit * unit * products[placeOf(of, of, sums.length)]!,
    xSquared: products[placeOf(past, past, sums.length)]!,
    product: unit * products[placeOf(of, past, sums.length)]!,
  }
}

function addCounts(moments: CountMoments, counts: readonly number[], sign: 1 | -1): void {
  const { sums, products } = moments
  moments.people += sign
  let place = 0
  for (let i = 0; i < sums.length; i++) {
    sums[i]! += sign * counts[i]!
    for (let j = i; j < sums.length; j++) products[place++]! += sign * counts[i]! * counts[j]!
  }
}

/** Where the product of two of `counts` counts lies in the triangle. */
function placeOf(a: number, b: number, counts: number): number {
  const [row, column] = a < b ? [a, b] : [b, a]
  return row * counts - (row * (row - 1)) / 2 + column - row
}
