import { invariant } from '../core/invariant.ts'
import type { Random } from '../core/random.ts'

/** Inputs that a model must be asked for, and which feature each of them changed. */
export interface ShapleyWalks {
  readonly width: number
  readonly draws: number
  /** `steps.length × width`, row-major. */
  readonly rows: Float32Array
  /** Per row the feature that was changed to reach it from the row before; -1 where a walk begins. */
  readonly steps: Int32Array
}

/** How a score came about. */
export interface Contributions {
  /** The score of the row explained. */
  readonly value: number
  /** Mean score of the background rows drawn; `value` = `base` + the sum of `contributions`, to rounding. */
  readonly base: number
  /** One per feature, in the score's unit. */
  readonly contributions: Float64Array
  /** Standard error of each over the draws; 0 where a feature always gives the same. */
  readonly errors: Float64Array
}

/**
 * Draws the walks of Štrumbelj & Kononenko (Knowledge and Information Systems 41, 2014) in whole permutations (Castro, Gómez &
 * Tejada 2009): each of `draws` walks begins at a background row and gives the features of `x` their own values one after another
 * in a random order, so that each walk alone sums to f(x) − f(background row). Background rows take turns: with `draws` a multiple of
 * their number the base is their mean score. Features that do not differ make no row.
 *
 * `x` has `width` ≥ 1 numbers, `background` one or more rows of them.
 */
export function shapleyWalks(x: Float32Array, background: Float32Array, draws: number, random: Random): ShapleyWalks {
  const width = x.length
  const others = background.length / width
  invariant(width > 0 && Number.isInteger(others) && others > 0, 'shapleyWalks: background must hold rows as wide as x')
  invariant(Number.isInteger(draws) && draws > 0, 'shapleyWalks: draws must be a whole number above 0')
  const rows = new Float32Array(draws * (width + 1) * width)
  const steps = new Int32Array(draws * (width + 1))
  const order = Int32Array.from({ length: width }, (_, feature) => feature)
  let count = 0
  for (let draw = 0; draw < draws; draw++) {
    const from = (draw % others) * width
    rows.set(background.subarray(from, from + width), count * width)
    steps[count++] = -1
    shuffle(order, random)
    for (const feature of order) {
      if (x[feature] === background[from + feature]) continue
      rows.copyWithin(count * width, (count - 1) * width, count * width)
      rows[count * width + feature] = x[feature]!
      steps[count++] = feature
    }
  }
  return { width, draws, rows: rows.subarray(0, count * width), steps: steps.subarray(0, count) }
}

/** The mean change that each feature made over all walks; `scores` has one number per row of `walks`. */
export function shapleyContributions(walks: ShapleyWalks, scores: Float64Array | Float32Array): Contributions {
  const { width, draws, steps } = walks
  invariant(scores.length === steps.length, 'shapleyContributions: one score per row')
  const sums = new Float64Array(width)
  const squares = new Float64Array(width)
  let base = 0
  for (let row = 0; row < steps.length; row++) {
    const feature = steps[row]!
    if (feature < 0) base += scores[row]!
    else {
      const change = scores[row]! - scores[row - 1]!
      sums[feature]! += change
      squares[feature]! += change * change
    }
  }
  // Walks in which a feature did not differ count as changes of 0.
  const contributions = sums.map((sum) => sum / draws)
  const errors = squares.map((square, feature) => {
    const spread = square - draws * contributions[feature]! ** 2
    return draws < 2 ? Number.NaN : Math.sqrt(Math.max(0, spread) / (draws - 1) / draws)
  })
  return { value: scores[scores.length - 1]!, base: base / draws, contributions, errors }
}

/** Fisher and Yates' shuffle, in place. */
function shuffle(order: Int32Array, random: Random): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const held = order[i]!
    order[i] = order[j]!
    order[j] = held
  }
}
