import { splitWhole } from './split-whole.ts'

/** When something was seen or touched, ms. */
export interface TimedTouch {
  readonly timeMs: number
}

/** How far back a purchase looks, ms of event time; ends are inclusive. */
export interface AttributionWindows {
  /** For touches: clicks and what is stronger. */
  readonly clickWindowMs: number
  /** For showings that nobody touched. */
  readonly viewWindowMs: number
  /** After which a touch counts half. */
  readonly halfLifeMs: number
}

/** To whom a purchase is credited. */
export interface AttributedPurchase<T> {
  /** The latest touch within its window takes all; null without one. */
  readonly last: T | null
  /** The same touches, each with its part by 2^(−age / half-life); the parts sum to the purchase. Empty without a touch. */
  readonly decayed: readonly { readonly touch: T; readonly units: number }[]
  /** Without any touch, the latest showing within its window: told apart, never added to the others. */
  readonly viewed: T | null
}

/**
 * Credits a purchase to what came before it: all to the last touch, or parts to every touch by its age; and apart from both, to the last
 * showing if nothing was touched (features.md F16.6). Touches after the purchase count for nothing.
 *
 * @param purchase its event time and its worth in whole units, ≥ 0.
 * @param touches and `showings` of what was bought, ascending in time: of equal times the later place is the latest.
 */
export function attributePurchase<T extends TimedTouch>(
  purchase: { readonly timeMs: number; readonly units: number },
  touches: readonly T[],
  showings: readonly T[],
  windows: AttributionWindows,
): AttributedPurchase<T> {
  const { clickWindowMs, viewWindowMs, halfLifeMs } = windows
  const counted = within(touches, purchase.timeMs, clickWindowMs)
  const last = counted.at(-1) ?? null
  if (last === null) return { last, decayed: [], viewed: within(showings, purchase.timeMs, viewWindowMs).at(-1) ?? null }
  // Ages are taken from the last touch: the ratios are the same, and no weight of all of them can become 0.
  const weights = counted.map(({ timeMs }) => 2 ** ((timeMs - last.timeMs) / halfLifeMs))
  const parts = splitWhole(purchase.units, weights)
  return { last, decayed: counted.map((touch, place) => ({ touch, units: parts[place]! })), viewed: null }
}

function within<T extends TimedTouch>(touches: readonly T[], timeMs: number, windowMs: number): T[] {
  return touches.filter((touch) => touch.timeMs <= timeMs && touch.timeMs >= timeMs - windowMs)
}
