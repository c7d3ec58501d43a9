import { addNeighbour } from '../algorithms/co-visitation.ts'
import { addDecayed } from '../algorithms/decayed-sum.ts'
import { hourInZone } from '../algorithms/hour-in-zone.ts'
import { addToTiles, type TilesShape } from '../algorithms/tiles.ts'
import { wordHashes } from '../algorithms/word-hashes.ts'
import { hash48 } from '../core/hash.ts'
import { eventStrength } from '../schemas/event-strength.ts'
import { eventTypeNumber, type UserEvent } from '../schemas/user-event.ts'
import {
  dayTileMs,
  dayTileWidth,
  emptySession,
  type RecentState,
  type SessionState,
  tasteHalfLifeMs,
  type UserState,
  weekTileMs,
  weekTileWidth,
} from '../schemas/user-state.ts'

const sessionGapMs = 30 * 60_000
const recentMax = 50
const eventIdsMax = 200
const hourMs = 3_600_000
/** How long event ids are kept at least, event time. */
const idsKeptMsMin = 24 * hourMs
const sessionItemsMax = 20
const listMax = 50
const namesMax = { neighboursMax: 40, halfLifeMs: tasteHalfLifeMs, singlePrecision: true }

/** Hour tiles reaching back a week: views, clicks, carts, purchases, spend. */
export const weekTiles: TilesShape = { tileMs: weekTileMs, tilesMax: 7 * 24 + 1, width: weekTileWidth }
/** Day tiles reaching back a quarter: purchases, spend. */
export const quarterTiles: TilesShape = { tileMs: dayTileMs, tilesMax: 91, width: dayTileWidth }
/** Searches kept, and words of each. */
const searchesMax = 5
const searchWordsMax = 6
const tileColumns: Partial<Record<UserEvent['type'], number>> = { view: 0, click: 1, add_to_cart: 2, purchase: 3 }

/**
 * Folds one event into a person's state, in place (features.md area 2); false if its id was seen before: one of the 200 newest of
 * the last `idsKeptMs` (24 hours at least) before the person's newest event. Events come in log order, none older than `idsKeptMs`.
 * Everything but the session, the dismissed items, device and region (those of events not older than any before) and ties of event
 * time depends on event times only, never on the order of arrival.
 */
export function foldUserEvent(state: UserState, event: UserEvent, idsKeptMs: number = idsKeptMsMin): boolean {
  const id = hash48(event.eventId)
  if (state.eventIds.includes(id)) return false
  keepId(state, id, event.timeMs, idsKeptMs)
  const strength = eventStrength(event)
  const { timeMs } = event
  state.firstMs = state.firstMs === 0 ? timeMs : Math.min(state.firstMs, timeMs)
  if (timeMs >= state.lastMs) {
    state.lastMs = timeMs
    if (event.device !== 'unknown') state.device = event.device
    if (event.region !== null) state.region = event.region
  }
  state.counts[eventTypeNumber(event.type)]! += 1
  foldTaste(state, event, strength)
  foldWindows(state, event)
  if (event.type === 'search' && event.query !== null) insertSearch(state, event.query, event.timeMs)
  if (event.itemId !== null) foldItem(state, event, event.itemId, strength)
  foldSession(state, event)
  return true
}

/** Adds an id; lets go of those that no resend can have any more: it would come too late to be folded. */
function keepId(state: UserState, id: number, timeMs: number, idsKeptMs: number): void {
  const { eventIds, eventIdHours } = state
  const hour = Math.floor(timeMs / hourMs)
  if (hour > Math.floor(state.lastMs / hourMs)) {
    const first = hour - Math.ceil(Math.max(idsKeptMsMin, idsKeptMs) / hourMs)
    let kept = 0
    for (let i = 0; i < eventIds.length; i++) {
      if (eventIdHours[i]! < first) continue
      eventIds[kept] = eventIds[i]!
      eventIdHours[kept++] = eventIdHours[i]!
    }
    eventIds.length = kept
    eventIdHours.length = kept
  }
  eventIds.push(id)
  eventIdHours.push(hour)
  if (eventIds.length <= eventIdsMax) return
  eventIds.shift()
  eventIdHours.shift()
}

function foldTaste(state: UserState, event: UserEvent, strength: number): void {
  const hour = Math.floor(hourInZone(event.timeMs, event.timeZone)) % 24
  addDecayedAt(state, hour, event.timeMs)
  if (strength <= 0) return
  const { category } = event
  for (let i = 0; i < category.length; i++)
    if (category.indexOf(category[i]!) === i) addNeighbour(state.categories, category[i]!, strength, event.timeMs, namesMax)
  if (event.brand !== null) addNeighbour(state.brands, event.brand, strength, event.timeMs, namesMax)
  if (event.price === null) return
  const sum = { value: state.priceSum, referenceMs: state.priceSumMs }
  const weight = { value: state.priceWeight, referenceMs: state.priceWeightMs }
  addDecayed(sum, strength * Math.log1p(event.price), event.timeMs, tasteHalfLifeMs)
  addDecayed(weight, strength, event.timeMs, tasteHalfLifeMs)
  state.priceSum = sum.value
  state.priceSumMs = sum.referenceMs
  state.priceWeight = weight.value
  state.priceWeightMs = weight.referenceMs
}

/** Adds one to an hour of day; all 24 share one landmark, a whole number of half-lives. */
function addDecayedAt(state: UserState, hour: number, timeMs: number): void {
  const landmarkMs = Math.floor(timeMs / tasteHalfLifeMs) * tasteHalfLifeMs
  if (state.hoursMs === 0) state.hoursMs = landmarkMs
  if (landmarkMs > state.hoursMs) {
    const factor = 2 ** Math.round((state.hoursMs - landmarkMs) / tasteHalfLifeMs)
    for (let i = 0; i < 24; i++) state.hours[i] = Math.fround(state.hours[i]! * factor)
    state.hoursMs = landmarkMs
  }
  state.hours[hour] = Math.fround(state.hours[hour]! + 2 ** ((timeMs - state.hoursMs) / tasteHalfLifeMs))
}

function foldWindows(state: UserState, event: UserEvent): void {
  const column = tileColumns[event.type]
  if (column === undefined) return
  const week = { indices: state.tileIndices, values: state.tileValues }
  addToTiles(week, event.timeMs, column, 1, weekTiles)
  if (event.type !== 'purchase') return
  const days = { indices: state.dayIndices, values: state.dayValues }
  addToTiles(days, event.timeMs, 0, 1, quarterTiles)
  if (event.price === null) return
  const spend = event.price * (event.quantity ?? 1)
  addToTiles(week, event.timeMs, 4, spend, weekTiles)
  addToTiles(days, event.timeMs, 1, spend, quarterTiles)
}

/** Keeps the last searches by event time, newest first; of equal times the later event comes first. */
function insertSearch({ searchesMs, searchWords }: UserState, query: string, timeMs: number): void {
  const words = wordHashes(query, searchWordsMax)
  if (words.length === 0) return
  let place = 0
  while (place < searchesMs.length && searchesMs[place]! > timeMs) place++
  if (place >= searchesMax) return
  searchesMs.splice(place, 0, timeMs)
  searchWords.splice(place, 0, words)
  if (searchesMs.length <= searchesMax) return
  searchesMs.pop()
  searchWords.pop()
}

function foldItem(state: UserState, event: UserEvent, itemId: string, strength: number): void {
  insertRecent(state, { itemId, timeMs: event.timeMs, type: event.type, strength: Math.fround(strength) })
  if (event.type === 'dismiss') addLast(state.dismissed, itemId)
  if (event.type !== 'purchase') return
  addPurchase(state, itemId, event.timeMs)
}

/** Keeps the last 50 distinct items bought, oldest first, by event time: a late event takes its place. */
function addPurchase({ purchased, purchasedMs }: UserState, itemId: string, timeMs: number): void {
  const at = purchased.indexOf(itemId)
  if (at >= 0) {
    if (purchasedMs[at]! > timeMs) return
    purchased.splice(at, 1)
    purchasedMs.splice(at, 1)
  }
  let place = purchased.length
  while (place > 0 && purchasedMs[place - 1]! > timeMs) place--
  purchased.splice(place, 0, itemId)
  purchasedMs.splice(place, 0, timeMs)
  if (purchased.length <= listMax) return
  purchased.shift()
  purchasedMs.shift()
}

/** Keeps the last 50 distinct items, newest first, by (event time, offset): a late event takes its place (F2.4). */
function insertRecent({ recent }: UserState, entry: RecentState): void {
  // Events come in log order, so of equal times this one has the larger offset.
  const at = recent.findIndex((other) => other.itemId === entry.itemId)
  if (at >= 0) {
    if (recent[at]!.timeMs > entry.timeMs) return
    recent.splice(at, 1)
  }
  let place = 0
  while (place < recent.length && recent[place]!.timeMs > entry.timeMs) place++
  if (place >= recentMax) return
  recent.splice(place, 0, entry)
  if (recent.length > recentMax) recent.pop()
}

/** 30 minutes of event-time silence, or another client session, end a session (F2.12); what is older than it leaves it alone. */
function foldSession(state: UserState, event: UserEvent): void {
  let { session } = state
  if (session.events > 0 && event.timeMs < session.startMs) return
  const ended =
    session.events === 0 ||
    event.timeMs - session.lastMs > sessionGapMs ||
    (event.sessionId !== null && event.sessionId !== session.sessionId)
  if (ended) {
    if (session.events > 0) addSessionTime(state, session)
    session = emptySession(event.sessionId ?? `${event.userId}@${event.timeMs}`, event.timeMs)
    state.session = session
  }
  session.events++
  session.lastMs = Math.max(session.lastMs, event.timeMs)
  if (event.type === 'search') session.searches++
  if (event.price !== null) {
    session.priceSum += event.price
    session.priceCount++
  }
  const [top] = event.category
  if (top !== undefined) countCategory(session, top)
  if (event.itemId === null) return
  if (event.type === 'add_to_cart') addLast(session.cart, event.itemId)
  if (event.type === 'purchase' || event.type === 'dismiss') remove(session.cart, event.itemId)
  if (event.type !== 'dismiss') addLast(session.items, event.itemId, sessionItemsMax)
}

/** Adds an ended session to the decayed minutes (F2.14); both sums share one landmark, a whole number of half-lives. */
function addSessionTime(state: UserState, { startMs, lastMs }: SessionState): void {
  const landmarkMs = Math.floor(lastMs / tasteHalfLifeMs) * tasteHalfLifeMs
  if (landmarkMs > state.sessionsMs) {
    const factor = state.sessionsMs === 0 ? 0 : 2 ** Math.round((state.sessionsMs - landmarkMs) / tasteHalfLifeMs)
    state.sessionMinutes = Math.fround(state.sessionMinutes * factor)
    state.sessionCount = Math.fround(state.sessionCount * factor)
    state.sessionsMs = landmarkMs
  }
  const weight = 2 ** ((lastMs - state.sessionsMs) / tasteHalfLifeMs)
  state.sessionMinutes = Math.fround(state.sessionMinutes + (weight * (lastMs - startMs)) / 60_000)
  state.sessionCount = Math.fround(state.sessionCount + weight)
}

function countCategory(session: SessionState, name: string): void {
  const at = session.categories.indexOf(name)
  if (at >= 0) session.categoryCounts[at]! += 1
  else if (session.categories.length < sessionItemsMax) {
    session.categories.push(name)
    session.categoryCounts.push(1)
  }
}

/** Puts a text at the end, once; the oldest falls out. */
function addLast(list: string[], text: string, max = listMax): void {
  if (list.at(-1) === text) return
  remove(list, text)
  list.push(text)
  if (list.length > max) list.shift()
}

function remove(list: string[], text: string): void {
  const at = list.indexOf(text)
  if (at >= 0) list.splice(at, 1)
}
