import { invariant } from '../core/invariant.ts'

/** How many protected items the first 1, 2 … k places must hold at least, and what that test costs a fair list. */
export interface FairMinimums {
  /** Entry n − 1: the minimum among the first n places. */
  readonly minimums: Int32Array
  /** The significance each place was tested with. */
  readonly alpha: number
  /** Chance that a list drawn fairly (each place protected with chance p) fails at one place at least. */
  readonly failChance: number
}

/** Places at most: the exact tails take time and memory of the square. */
const placesMax = 5_000

/**
 * The minimums of FA*IR (Zehlike et al., CIKM 2017): m(n) = binom.ppf(α; n, p), by exact binomial tails. Testing k places at α each
 * fails a fair list more often than α: `adjusted` looks for the smaller α at which the whole list fails about that often (nearest;
 * bisection on [0, α] until the tables differ in one entry), and keeps α where the whole list fails no oftener.
 *
 * @param options `places` k, 1–5000; `share` p in (0, 1): the wanted share of protected items; `alpha` in (0, 1), e.g. .1.
 */
export function fairMinimums(options: {
  readonly places: number
  readonly share: number
  readonly alpha: number
  readonly adjusted?: boolean
}): FairMinimums {
  const { places, share, alpha, adjusted = true } = options
  invariant(Number.isInteger(places) && places >= 1 && places <= placesMax, `fair minimums: places must be 1–${placesMax}`)
  invariant(share > 0 && share < 1, 'fair minimums: share must lie in (0, 1)')
  invariant(alpha > 0 && alpha < 1, 'fair minimums: alpha must lie in (0, 1)')
  const plain = tableAt(alpha, places, share)
  if (!adjusted || plain.failChance <= alpha) return plain
  let low: FairMinimums = { minimums: new Int32Array(places), alpha: 0, failChance: 0 }
  let high = plain
  // Tables are monotone in α; 100 halvings are past the precision of a double.
  for (let n = 0; n < 100 && massOf(high) - massOf(low) > 1; n++) {
    const middle = tableAt((low.alpha + high.alpha) / 2, places, share)
    if (middle.failChance < alpha) low = middle
    else high = middle
  }
  return Math.abs(low.failChance - alpha) <= Math.abs(high.failChance - alpha) ? low : high
}

/** The first place (from 0) at which a list has fewer protected items than it must; -1 if none has. `isProtected` per place. */
export function firstUnfairPlace(isProtected: ArrayLike<number | boolean>, minimums: Int32Array): number {
  let count = 0
  for (let n = 0; n < Math.min(isProtected.length, minimums.length); n++) {
    if (isProtected[n]) count++
    if (count < minimums[n]!) return n
  }
  return -1
}

function massOf({ minimums }: FairMinimums): number {
  return minimums.reduce((sum, minimum) => sum + minimum, 0)
}

function tableAt(alpha: number, places: number, share: number): FairMinimums {
  const minimums = new Int32Array(places)
  // Chances of x protected among the first n places: of all lists, and of those that have not failed yet.
  const all = new Float64Array(places + 1)
  const passing = new Float64Array(places + 1)
  all[0] = 1
  passing[0] = 1
  for (let n = 1; n <= places; n++) {
    addPlace(all, n, share)
    addPlace(passing, n, share)
    let minimum = 0
    for (let below = all[0]!; below < alpha; below += all[minimum]!) minimum++
    minimums[n - 1] = minimum
    passing.fill(0, 0, minimum)
  }
  return { minimums, alpha, failChance: 1 - passing.reduce((sum, chance) => sum + chance, 0) }
}

/** One more place: x of n come from x or x − 1 of n − 1. No large numbers meet, so nothing cancels. */
function addPlace(chances: Float64Array, places: number, share: number): void {
  for (let x = places; x > 0; x--) chances[x] = chances[x]! * (1 - share) + chances[x - 1]! * share
  chances[0]! *= 1 - share
}
