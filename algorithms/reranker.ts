import { calibrated } from './calibrated.ts'
import { dpp, dppQuality } from './dpp.ts'
import { type LikenessColumn, likeness, likenessTo } from './likeness.ts'
import { minMaxScaled, mmr } from './mmr.ts'
import { slidingDpp } from './sliding-dpp.ts'
import { topK } from './top-k.ts'
import { xquad } from './xquad.ts'

/** Candidates to be put in order, as columns by row. */
export interface RerankPool {
  readonly relevance: Float64Array
  /** In which attributes rows are alike. */
  readonly columns: readonly LikenessColumn[]
  /** What the person wants: shares of aspects, summing to 1; empty = nothing is known, and `xquad` and `calibrated` keep to relevance. */
  readonly wanted: Float64Array
  /** The aspect that each row is about; −1 = none of those wanted. */
  readonly aspects: Int32Array
}

/** Puts the best `count` rows of a pool in order; fewer if there are no more. */
export type Reranker = (pool: RerankPool, count: number) => Int32Array

/** How a list is made varied: see mmr.ts, dpp.ts, sliding-dpp.ts, xquad.ts and calibrated.ts; `none` keeps to relevance. */
export const rerankMethods = ['mmr', 'dpp', 'sliding-dpp', 'xquad', 'calibrated', 'none'] as const

export interface RerankerOptions {
  readonly method: (typeof rerankMethods)[number]
  /** Share of relevance, 0–1; the rest is for difference. Of `mmr`, `xquad` and `calibrated`. */
  readonly lambda: number
  /** Share of relevance, 0 – below 1. Of `dpp` and `sliding-dpp`. */
  readonly theta: number
  /** Places that must differ from each other, at least 1. Of `sliding-dpp`. */
  readonly window: number
  /** Places that the method fills; those after them follow by relevance. */
  readonly places: number
}

/** How well a row serves its aspect in `xquad`: half of what is still wanted of it is satisfied. */
const servedShare = 0.5

/** The method of that name as a function over columns; rows that it leaves out follow by relevance, ties by the lower row. */
export function createReranker(options: RerankerOptions): Reranker {
  const choose = choiceOf(options)
  return (pool, count) => {
    const chosen = choose(pool, Math.min(count, options.places))
    const isChosen = new Uint8Array(pool.relevance.length)
    for (const row of chosen) isChosen[row] = 1
    const rest = topK(pool.relevance, count - chosen.length, isChosen).indices
    if (rest.length === 0) return chosen
    const order = new Int32Array(chosen.length + rest.length)
    order.set(chosen)
    order.set(rest, chosen.length)
    return order
  }
}

function choiceOf({ method, lambda, theta, window }: RerankerOptions): Reranker {
  switch (method) {
    case 'mmr':
      return ({ relevance, columns }, count) => mmr(relevance, likenessTo(columns), { lambda, count })
    case 'dpp':
      return ({ relevance, columns }, count) =>
        dpp(dppQuality(minMaxScaled(relevance), theta), (a, b) => likeness(columns, a, b), count).rows
    case 'sliding-dpp':
      return ({ relevance, columns }, count) =>
        slidingDpp(dppQuality(minMaxScaled(relevance), theta), (a, b) => likeness(columns, a, b), { count, window }).rows
    case 'xquad':
      return ({ relevance, wanted, aspects }, count) => {
        const served = oneHot(aspects, wanted.length, servedShare)
        return xquad(relevance, { wanted, served }, { count, lambda: wanted.length === 0 ? 0 : 1 - lambda })
      }
    case 'calibrated':
      return ({ relevance, wanted, aspects }, count) => {
        // One column more for what the person has shown no taste for.
        const width = wanted.length + 1
        const shares = oneHot(
          aspects.map((aspect) => (aspect < 0 ? width - 1 : aspect)),
          width,
          1,
        )
        const history = new Float64Array(width)
        history.set(wanted)
        return calibrated(minMaxScaled(relevance), shares, history, { count, lambda: 1 - lambda })
      }
    case 'none':
      return ({ relevance }, count) => topK(relevance, count).indices
  }
}

/** `rows × width`, row-major: `value` in the column of each row's number, if it has one. */
function oneHot(numbers: Int32Array, width: number, value: number): Float64Array {
  const cells = new Float64Array(numbers.length * width)
  for (let row = 0; row < numbers.length; row++) if (numbers[row]! >= 0) cells[row * width + numbers[row]!] = value
  return cells
}
