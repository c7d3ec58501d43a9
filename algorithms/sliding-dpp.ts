import { invariant } from '../core/invariant.ts'
import type { DppSelection } from './dpp.ts'

/** A gain below this means: nothing new is left beside the window. */
const gainMin = 1e-10

/**
 * Greedy DPP in which a row must differ only from the `window` − 1 rows taken just before it (Chen, Zhang, Zhou, NeurIPS 2018,
 * section 4): on a long page what lies a screen above may come again. The oldest row leaves the Cholesky factor by Givens
 * rotations: O(count · window · n). With `window` ≥ count it is `dpp`. Ties go to the lower row; stops below a gain of 1e-10.
 *
 * @param quality q of each row, ≥ 0: see `dppQuality`.
 * @param similarity S(a, b): symmetric, positive semi-definite, S(a, a) asked too.
 * @param options `count` rows wanted; `window` ≥ 1 rows that must differ from each other.
 */
export function slidingDpp(
  quality: Float64Array,
  similarity: (a: number, b: number) => number,
  options: { readonly count: number; readonly window: number },
): DppSelection {
  invariant(Number.isInteger(options.window) && options.window >= 1, 'sliding dpp: window must be a whole number ≥ 1')
  const size = quality.length
  const wanted = Math.max(0, Math.min(options.count, size))
  const rows = new Int32Array(wanted)
  const gains = new Float64Array(wanted)
  const factor = new WindowFactor(size, Math.min(options.window - 1, wanted))
  const gain = Float64Array.from(quality, (q, i) => q * q * similarity(i, i))
  const isTaken = new Uint8Array(size)
  for (let n = 0; n < wanted; n++) {
    const best = largestLeft(gain, isTaken)
    if (!(gain[best]! >= gainMin)) return { rows: rows.subarray(0, n), gains: gains.subarray(0, n) }
    rows[n] = best
    gains[n] = gain[best]!
    isTaken[best] = 1
    if (factor.width === 0) continue
    if (factor.filled === factor.width) factor.dropOldest(gain)
    factor.append(best, gain, (i) => quality[best]! * similarity(best, i) * quality[i]!)
  }
  return { rows, gains }
}

function largestLeft(gain: Float64Array, isTaken: Uint8Array): number {
  let best = -1
  for (let i = 0; i < gain.length; i++) if (isTaken[i] === 0 && (best < 0 || gain[i]! > gain[best]!)) best = i
  return best
}

/**
 * The Cholesky factor of the rows in the window, and for every row i the solution c_i of V c_i = L_{window, i}. Rows of V are
 * the c of the chosen rows, their own gain's root on the diagonal; all is kept by slot, oldest first.
 */
class WindowFactor {
  readonly width: number
  filled = 0
  readonly #size: number
  /** `width × size`: entry s · size + i is c_i at slot s. */
  readonly #columns: Float64Array
  /** `width × width`, row-major, lower triangle. */
  readonly #triangle: Float64Array

  constructor(size: number, width: number) {
    this.#size = size
    this.width = width
    this.#columns = new Float64Array(width * size)
    this.#triangle = new Float64Array(width * width)
  }

  /** Takes the chosen row into the window, and what it explains off every gain. */
  append(chosen: number, gain: Float64Array, kernelTo: (row: number) => number): void {
    const [n, size, columns] = [this.filled, this.#size, this.#columns]
    const own = Math.sqrt(gain[chosen]!)
    for (let c = 0; c < n; c++) this.#triangle[n * this.width + c] = columns[c * size + chosen]!
    this.#triangle[n * this.width + n] = own
    for (let i = 0; i < size; i++) {
      let inner = 0
      for (let c = 0; c < n; c++) inner += columns[c * size + chosen]! * columns[c * size + i]!
      const entry = (kernelTo(i) - inner) / own
      columns[n * size + i] = entry
      gain[i]! -= entry * entry
    }
    this.filled++
  }

  /** Forgets the oldest row: V' V'ᵀ = V₂₂ V₂₂ᵀ + v vᵀ by rotations, which turn every c_i alike; what turns out is given back. */
  dropOldest(gain: Float64Array): void {
    const { width, filled } = this
    const [size, columns, triangle] = [this.#size, this.#columns, this.#triangle]
    const left = Float64Array.from({ length: filled }, (_, m) => triangle[m * width]!)
    const rest = columns.slice(0, size)
    for (let l = 1; l < filled; l++) {
      const radius = Math.hypot(triangle[l * width + l]!, left[l]!)
      const cos = triangle[l * width + l]! / radius
      const sin = left[l]! / radius
      for (let m = l; m < filled; m++) {
        const value = triangle[m * width + l]!
        triangle[(m - 1) * width + l - 1] = cos * value + sin * left[m]!
        left[m] = cos * left[m]! - sin * value
      }
      for (let i = 0; i < size; i++) {
        const value = columns[l * size + i]!
        columns[(l - 1) * size + i] = cos * value + sin * rest[i]!
        rest[i] = cos * rest[i]! - sin * value
      }
    }
    for (let i = 0; i < size; i++) gain[i]! += rest[i]! * rest[i]!
    this.filled--
  }
}
