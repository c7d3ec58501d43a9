import { sumTiles } from '../algorithms/tiles.ts'
import type { Affinity, OrderFeatures, UserFeatures, WindowFeatures } from '../schemas/user-features.ts'
import { tasteHalfLifeMs, type UserState, type WeightedNames } from '../schemas/user-state.ts'
import { quarterTiles, weekTiles } from './user-fold.ts'

const affinitiesMax = 20
const pseudoEvents = 20
const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** What the money type of the schemas holds for sure. */
const spendMax = 1_000_000_000_000

/**
 * A person's state as models and readers see it, as of their newest event. Lists are the state's own, not copies: use the view
 * before the next event is folded.
 */
export function userView(userId: string, state: UserState): UserFeatures {
  const { session } = state
  return {
    userId,
    firstSeenMs: state.firstMs,
    lastActiveMs: state.lastMs,
    recent: state.recent,
    categories: shares(state.categories),
    brands: shares(state.brands),
    counts: state.counts,
    week: windowOf(state, 7 * dayMs),
    day: windowOf(state, dayMs),
    hour: windowOf(state, hourMs),
    orders: ordersOf(state),
    searches: state.searchWords,
    session: {
      sessionId: session.sessionId,
      startMs: session.startMs,
      lastMs: session.lastMs,
      events: session.events,
      items: session.items,
      cart: session.cart,
      searches: session.searches,
      meanPrice: session.priceCount === 0 ? null : session.priceSum / session.priceCount,
      mainCategory: mainCategory(session.categories, session.categoryCounts),
    },
    meanSessionMinutes: state.sessionCount > 0 ? Math.fround(state.sessionMinutes / state.sessionCount) : null,
    device: state.device,
    region: state.region,
    hours: hoursOf(state),
    priceLevel:
      state.priceWeight > 0
        ? (state.priceSum / state.priceWeight) * 2 ** ((state.priceSumMs - state.priceWeightMs) / tasteHalfLifeMs)
        : null,
    purchased: state.purchased,
    dismissed: state.dismissed,
    profile: state.profile,
  }
}

/** Weights of one landmark as shares of their sum. */
function shares(names: WeightedNames): Affinity[] {
  let total = 0
  for (const weight of names.weights) total += weight
  if (total <= 0) return []
  return names.items.slice(0, affinitiesMax).map((name, index) => ({ name, weight: Math.fround(names.weights[index]! / total) }))
}

function windowOf(state: UserState, windowMs: number): WindowFeatures {
  const sums = sumTiles({ indices: state.tileIndices, values: state.tileValues }, state.lastMs, windowMs, weekTiles)
  return { views: sums[0]!, clicks: sums[1]!, carts: sums[2]!, purchases: sums[3]!, spend: Math.min(spendMax, sums[4]!) }
}

function ordersOf(state: UserState): OrderFeatures {
  const days = { indices: state.dayIndices, values: state.dayValues }
  const month = sumTiles(days, state.lastMs, 30 * dayMs, quarterTiles)
  const quarter = sumTiles(days, state.lastMs, 90 * dayMs, quarterTiles)
  return {
    lastMs: state.purchasedMs.at(-1) ?? null,
    purchases30d: month[0]!,
    spend30d: Math.min(spendMax, month[1]!),
    purchases90d: quarter[0]!,
    spend90d: Math.min(spendMax, quarter[1]!),
    days90d: daysOf(state),
  }
}

/** Days of the last 90 with a purchase. */
function daysOf({ dayIndices, lastMs }: UserState): number {
  const today = Math.floor(lastMs / dayMs)
  return dayIndices.filter((day) => day > today - 90 && day <= today).length
}

/** Activity per hour of day as shares, with 20 pseudo-events spread evenly. */
function hoursOf(state: UserState): number[] {
  const factor = state.hoursMs === 0 ? 0 : 2 ** ((state.hoursMs - state.lastMs) / tasteHalfLifeMs)
  let total = pseudoEvents
  for (const hour of state.hours) total += hour * factor
  return state.hours.map((hour) => Math.fround((hour * factor + pseudoEvents / 24) / total))
}

function mainCategory(names: readonly string[], counts: readonly number[]): string | null {
  let best = -1
  for (let i = 0; i < counts.length; i++) if (best < 0 || counts[i]! > counts[best]!) best = i
  return best < 0 ? null : names[best]!
}
