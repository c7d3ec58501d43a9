import { addNeighbour } from '../algorithms/co-visitation.ts'
import { addDecayed, decayedAt } from '../algorithms/decayed-sum.ts'
import { purchaseHalfLifeMs } from '../algorithms/purchase-shares.ts'
import { trendLongHalfLifeMs, trendScoreOf, trendShortHalfLifeMs } from '../algorithms/trend.ts'
import { signalKinds } from '../schemas/item-signals.ts'
import type { ItemState, ScopeState } from '../schemas/item-state.ts'
import { eventTypes } from '../schemas/user-event.ts'

/** Half-life of popularity; the long sum of the trend is the same sum. */
const popularityHalfLifeMs = trendLongHalfLifeMs
/** Items of a scope kept; the least popular makes room. */
const scopeItemsMax = 200
/** What an item nobody rated counts as, worth so many ratings. */
const ratingPrior = 3.5
const ratingPseudo = 5
const ratingType = eventTypes.indexOf('rating')
const purchaseType = eventTypes.indexOf('purchase')

/** One row of `item-signals`. */
export interface Signal {
  readonly kind: number
  readonly other: string | null
  readonly timeMs: number
  readonly weight: number
  readonly person: number
}

/** Folds one signal into its item, in place; depends on event times only, never on the order of arrival. */
export function foldItemSignal(state: ItemState, signal: Signal): void {
  const { kind, other, timeMs } = signal
  if (timeMs > state.eventTimeMs) state.eventTimeMs = timeMs
  if (kind === signalKinds.coVisit) addNeighbour(state.similar, other!, signal.weight, timeMs)
  else if (kind === signalKinds.coPurchase) {
    addNeighbour(state.together, other!, signal.weight, timeMs)
    addFollowed(state, signal.weight, timeMs)
  } else foldEvent(state, signal)
}

function addFollowed(state: ItemState, weight: number, timeMs: number): void {
  const followed = { value: state.followed, referenceMs: state.followedMs }
  addDecayed(followed, weight, timeMs, purchaseHalfLifeMs)
  state.followed = followed.value
  state.followedMs = followed.referenceMs
}

function addBought(state: ItemState, timeMs: number): void {
  const bought = { value: state.bought, referenceMs: state.boughtMs }
  addDecayed(bought, 1, timeMs, purchaseHalfLifeMs)
  state.bought = bought.value
  state.boughtMs = bought.referenceMs
}

function foldEvent(state: ItemState, { kind, timeMs, weight, person }: Signal): void {
  if (kind < 0 || kind >= state.counts.length) return
  state.counts[kind]! += 1
  if (kind === purchaseType) addBought(state, timeMs)
  let strength = weight
  if (kind === ratingType) {
    state.ratingSum += weight
    state.ratingCount++
    strength = (weight - 1) / 4
  }
  countPerson(state, person)
  if (strength <= 0) return
  const popularity = { value: state.popularity, referenceMs: state.popularityMs }
  const short = { value: state.short, referenceMs: state.shortMs }
  addDecayed(popularity, strength, timeMs, popularityHalfLifeMs)
  addDecayed(short, strength, timeMs, trendShortHalfLifeMs)
  state.popularity = popularity.value
  state.popularityMs = popularity.referenceMs
  state.short = short.value
  state.shortMs = short.referenceMs
}

interface PeopleCounter {
  peopleLow: number
  peopleHigh: number
}

function countPerson(state: PeopleCounter, person: number): void {
  const bit = ((person >>> 3) ^ (person >>> 13)) & 63
  if (bit < 32) state.peopleLow |= 1 << bit
  else state.peopleHigh |= 1 << (bit - 32)
}

/** Decayed strength of an item as of `nowMs`. */
export function popularityAt(state: ItemState, nowMs: number): number {
  return decayedAt({ value: state.popularity, referenceMs: state.popularityMs }, nowMs, popularityHalfLifeMs)
}

/** Decayed strength of the last hours, half-life 1 h, as of `nowMs`. */
export function hourlyAt(state: ItemState, nowMs: number): number {
  return decayedAt({ value: state.short, referenceMs: state.shortMs }, nowMs, trendShortHalfLifeMs)
}

/** Mean rating (Σr + 5 · 3.5) / (n + 5) (features.md F2.9): one rating of 5 says little. */
export function ratingOf(state: ItemState): number {
  return (state.ratingSum + ratingPrior * ratingPseudo) / (state.ratingCount + ratingPseudo)
}

/** z of an item as of `nowMs` (features.md F2.10). */
export function trendAt(state: ItemState, nowMs: number): number {
  return trendScoreOf(hourlyAt(state, nowMs), popularityAt(state, nowMs))
}

/** Distinct people by linear counting over 64 bits (Whang 1990): good to about 100, enough for "at least 5". */
export function peopleOf(state: Readonly<PeopleCounter>): number {
  const zeros = 64 - ones(state.peopleLow) - ones(state.peopleHigh)
  return zeros === 0 ? 266 : Math.round(-64 * Math.log(zeros / 64))
}

function ones(word: number): number {
  let count = 0
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++
  return count
}

/** Counts one touch of an item by a person (a hash) within a scope, in place; the least popular item makes room (ties: the later one in the list). */
export function foldScopeSignal(state: ScopeState, { other, weight, timeMs, person }: Signal): void {
  const itemId = other!
  countPerson(state, person)
  if (timeMs > state.eventTimeMs) state.eventTimeMs = timeMs
  let at = state.items.indexOf(itemId)
  if (at < 0) at = roomFor(state, itemId)
  state.popularityMs = rebased(state.popularity, state.popularityMs, timeMs, popularityHalfLifeMs)
  state.shortMs = rebased(state.short, state.shortMs, timeMs, trendShortHalfLifeMs)
  state.popularity[at]! += weight * 2 ** ((timeMs - state.popularityMs) / popularityHalfLifeMs)
  state.short[at]! += weight * 2 ** ((timeMs - state.shortMs) / trendShortHalfLifeMs)
}

/**
 * A place for a newcomer. As in space-saving counters (Metwally 2005) it takes over the popularity of the one it replaces:
 * otherwise a long tail of single touches would hold each other out for ever.
 */
function roomFor(state: ScopeState, itemId: string): number {
  if (state.items.length < scopeItemsMax) {
    state.items.push(itemId)
    state.short.push(0)
    return state.popularity.push(0) - 1
  }
  let least = 0
  for (let i = 1; i < state.popularity.length; i++) if (state.popularity[i]! <= state.popularity[least]!) least = i
  state.items[least] = itemId
  state.short[least] = 0
  return least
}

/** Moves sums to the landmark of `timeMs` if that is later; landmarks are whole half-lives, so the factor is exact. */
function rebased(sums: number[], referenceMs: number, timeMs: number, halfLifeMs: number): number {
  const landmarkMs = Math.floor(timeMs / halfLifeMs) * halfLifeMs
  if (referenceMs === 0) return landmarkMs
  if (landmarkMs <= referenceMs) return referenceMs
  const factor = 2 ** Math.round((referenceMs - landmarkMs) / halfLifeMs)
  for (let i = 0; i < sums.length; i++) sums[i]! *= factor
  return landmarkMs
}

/**
 * Popularity and z of every item of a scope as of its newest event, most popular first (ties by id). `busy` is the index of that hour of the
 * week (week-hours.ts): so much more than usual is expected in it.
 */
export function scopeRanking(state: ScopeState, busy = 1): { itemId: string; popularity: number; trend: number }[] {
  const nowMs = state.eventTimeMs
  const popular = 2 ** ((state.popularityMs - nowMs) / popularityHalfLifeMs)
  const recent = 2 ** ((state.shortMs - nowMs) / trendShortHalfLifeMs)
  return state.items
    .map((itemId, at) => ({
      itemId,
      popularity: state.popularity[at]! * popular,
      trend: trendScoreOf(state.short[at]! * recent, state.popularity[at]! * popular * busy),
    }))
    .sort((a, b) => b.popularity - a.popularity || (a.itemId < b.itemId ? -1 : 1))
}
