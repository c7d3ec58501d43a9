/** Clicks on the lists of one policy, with what was to be expected of them. */
export interface ClickThrough {
  readonly lists: number
  readonly slots: number
  readonly clicks: number
  /** Sum of the true click probabilities of what was shown: the same rate with less noise. */
  readonly expectedClicks: number
  /** clicks / slots, 0 without any slot. */
  readonly rate: number
  /** expectedClicks / slots. */
  readonly expectedRate: number
  /** 95 % interval of `rate`, lists being the independent units (ratio estimator, delta method). */
  readonly lower: number
  readonly upper: number
}

/** Adds up shown lists of one policy. */
export class ClickThroughSum {
  #lists = 0
  #slots = 0
  #clicks = 0
  #expected = 0
  #slotsSquared = 0
  #clicksSquared = 0
  #clicksTimesSlots = 0

  add(slots: number, clicks: number, expectedClicks: number): void {
    this.#lists++
    this.#slots += slots
    this.#clicks += clicks
    this.#expected += expectedClicks
    this.#slotsSquared += slots * slots
    this.#clicksSquared += clicks * clicks
    this.#clicksTimesSlots += clicks * slots
  }

  result(): ClickThrough {
    const rate = this.#slots === 0 ? 0 : this.#clicks / this.#slots
    const residual = this.#clicksSquared - 2 * rate * this.#clicksTimesSlots + rate * rate * this.#slotsSquared
    const error =
      this.#lists < 2 || this.#slots === 0
        ? 0
        : (1.96 * Math.sqrt(Math.max(0, residual) * (this.#lists / (this.#lists - 1)))) / this.#slots
    return {
      lists: this.#lists,
      slots: this.#slots,
      clicks: this.#clicks,
      expectedClicks: this.#expected,
      rate,
      expectedRate: this.#slots === 0 ? 0 : this.#expected / this.#slots,
      lower: Math.max(0, rate - error),
      upper: Math.min(1, rate + error),
    }
  }
}
