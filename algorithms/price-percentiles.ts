/** Steps of ln(1 + price): one is about 6 % of the price. */
const stepsPerUnit = 16
const steps = 16 * stepsPerUnit

interface Prices {
  readonly counts: Uint32Array
  /** Share of prices below the middle of each step; out of date while `moved`. */
  readonly shares: Float64Array
  total: number
  moved: boolean
}

/**
 * Where a price lies among those of its category, 0 (cheapest) to 1 (dearest), half of its own step counted as cheaper. Prices come and go
 * one by one, in any order; they are told apart to about 6 %.
 */
export class PricePercentiles {
  readonly #categories: (Prices | undefined)[] = []

  /** Counts a price, ln(1 + price) ≥ 0, of category number `category`; a category below 0 has none. */
  add(category: number, priceLog: number): void {
    this.#count(category, priceLog, 1)
  }

  /** Takes back what `add` was given. */
  remove(category: number, priceLog: number): void {
    this.#count(category, priceLog, -1)
  }

  /** The percentile; 0.5 where nothing is known of the category. */
  of(category: number, priceLog: number): number {
    const prices = category < 0 ? undefined : this.#categories[category]
    if (prices === undefined || prices.total === 0) return 0.5
    if (prices.moved) sum(prices)
    return prices.shares[stepOf(priceLog)]!
  }

  #count(category: number, priceLog: number, by: 1 | -1): void {
    if (category < 0) return
    this.#categories[category] ??= {
      counts: new Uint32Array(steps),
      shares: new Float64Array(steps),
      total: 0,
      moved: true,
    }
    const prices = this.#categories[category]
    prices.counts[stepOf(priceLog)]! += by
    prices.total += by
    prices.moved = true
  }
}

function stepOf(priceLog: number): number {
  return Math.max(0, Math.min(steps - 1, Math.floor(priceLog * stepsPerUnit)))
}

function sum(prices: Prices): void {
  let below = 0
  for (let step = 0; step < steps; step++) {
    const count = prices.counts[step]!
    prices.shares[step] = (below + count / 2) / prices.total
    below += count
  }
  prices.moved = false
}
