import type { BitWriter } from '../core/bit-writer.ts'
import { writeIds } from '../core/id-list-code.ts'
import { invariant } from '../core/invariant.ts'
import { writeAmount, writeDescendingFloats, writeNumber, writeNumbers } from '../core/number-code.ts'
import { writeName, writeText } from '../core/text-code.ts'
import { devices, type EventType, eventTypeNumber } from './user-event.ts'
import { userProfileSchema } from './user-profile.ts'
import {
  dayTileMs,
  dayTileWidth,
  type SessionState,
  tasteHalfLifeMs,
  type UserState,
  type WeightedNames,
  weekTileMs,
  weekTileWidth,
} from './user-state.ts'
import { bitsFor, hourMs, idBits, itemOrder, rankedTypes, wordBits } from './user-state-layout.ts'

const scratch: number[] = []
const ids: string[] = []

/** Writes all of a state; `readUserState` is its mirror, line by line. */
export function writeUserState(writer: BitWriter, state: UserState): void {
  writeNumber(writer, state.lastMs)
  writeNumber(writer, state.lastMs - state.firstMs)
  writeProfile(writer, state)
  writer.bits(devices.indexOf(state.device), 2)
  if (writer.flag(state.region !== null)) writeText(writer, state.region!)
  writeNumbers(writer, state.counts)
  writeRecent(writer, state)
  writeIdList(writer, state, state.dismissed)
  writePurchased(writer, state)
  writeNames(writer, state.categories, state.lastMs)
  writeNames(writer, state.brands, state.lastMs)
  writePrices(writer, state)
  writeHours(writer, state)
  writeTiles(writer, state)
  writeDays(writer, state)
  writeSearches(writer, state)
  writeSession(writer, state, state.session)
  writeEventIds(writer, state)
  writeSessionTimes(writer, state)
}

function writeProfile(writer: BitWriter, { profile }: UserState): void {
  if (!writer.flag(profile !== null)) return
  const bytes = userProfileSchema.encode(profile!)
  writeNumber(writer, bytes.length)
  for (const byte of bytes) writer.bits(byte, 8)
}

function writeRecent(writer: BitWriter, { recent, lastMs, counts }: UserState): void {
  writer.golomb(recent.length, itemOrder)
  if (recent.length === 0) return
  for (let i = 0; i < recent.length; i++) ids[i] = recent[i]!.itemId
  writeIds(writer, ids, recent.length)
  writer.golomb(lastMs - recent[0]!.timeMs, 0)
  for (let i = 1; i < recent.length; i++) scratch[i - 1] = recent[i - 1]!.timeMs - recent[i]!.timeMs
  writeNumbers(writer, scratch, recent.length - 1)
  const { rankOf } = rankedTypes(counts)
  let last: EventType | undefined
  let rank = 0
  for (let i = 0; i < recent.length; i++) {
    const { type, strength } = recent[i]!
    if (type !== last) rank = rankOf[eventTypeNumber(type)]!
    last = type
    writer.golomb(rank, 0)
    // Of other types it follows from the type.
    if (type === 'rating') writer.float(strength)
  }
}

/** Most items of a list are recent ones, one after another: one bit each. */
function writeIdList(writer: BitWriter, { recent }: UserState, ids: readonly string[]): void {
  writer.golomb(ids.length, itemOrder)
  let expected = Math.min(recent.length, ids.length) - 1
  for (const id of ids) {
    if (writer.flag(expected >= 0 && recent[expected]!.itemId === id)) {
      expected--
      continue
    }
    const place = recent.findIndex((entry) => entry.itemId === id)
    if (writer.flag(place >= 0)) {
      writer.bits(place, bitsFor(recent.length))
      expected = place - 1
    } else writeText(writer, id)
  }
}

function writePurchased(writer: BitWriter, state: UserState): void {
  const { purchased, purchasedMs, recent, lastMs } = state
  writeIdList(writer, state, purchased)
  for (let i = 0; i < purchased.length; i++) {
    const touched = recent.find(({ itemId }) => itemId === purchased[i])
    if (!writer.flag(touched?.timeMs === purchasedMs[i])) writeNumber(writer, lastMs - purchasedMs[i]!)
  }
}

function writeNames(writer: BitWriter, { items, weights, referenceMs }: WeightedNames, lastMs: number): void {
  writer.golomb(items.length, 3)
  if (items.length === 0) return
  writeLandmark(writer, referenceMs, lastMs)
  for (const name of items) writeName(writer, name)
  writeDescendingFloats(writer, weights)
}

/** A whole number of half-lives, nearly always the last one before the newest event: one bit then. */
function writeLandmark(writer: BitWriter, landmarkMs: number, lastMs: number): void {
  const behind = Math.floor(lastMs / tasteHalfLifeMs) - landmarkMs / tasteHalfLifeMs
  invariant(Number.isInteger(behind) && behind >= 0, `${landmarkMs} is no landmark of a person last seen at ${lastMs}`)
  writer.golomb(behind, 0)
}

function writePrices(writer: BitWriter, state: UserState): void {
  const { priceSum, priceSumMs, priceWeight, priceWeightMs } = state
  if (!writer.flag(priceSum !== 0 || priceSumMs !== 0 || priceWeight !== 0 || priceWeightMs !== 0)) return
  writer.double(priceSum)
  writeLandmark(writer, priceSumMs, state.lastMs)
  writer.double(priceWeight)
  writeLandmark(writer, priceWeightMs, state.lastMs)
}

function writeHours(writer: BitWriter, { hours, hoursMs, lastMs }: UserState): void {
  writeLandmark(writer, hoursMs, lastMs)
  let active = 0
  for (let hour = 0; hour < 24; hour++) if (hours[hour] !== 0) active |= 1 << hour
  writer.bits(active, 24)
  if (active !== 0) for (const hour of hours) if (hour !== 0) writer.float(hour)
}

/** Newest first: most lie in the newest hours, and have one or two columns. */
function writeTiles(writer: BitWriter, { tileIndices, tileValues, lastMs }: UserState): void {
  writer.golomb(tileIndices.length, 2)
  let last = Math.floor(lastMs / weekTileMs)
  for (let tile = tileIndices.length - 1; tile >= 0; tile--) {
    writer.golomb(last - tileIndices[tile]!, 2)
    last = tileIndices[tile]!
    const from = tile * weekTileWidth
    for (let column = 0; column < weekTileWidth - 1; column++) writer.golomb(tileValues[from + column]!, 0)
    writeAmount(writer, tileValues[from + weekTileWidth - 1]!)
  }
}

/** Newest first, from the day of the newest event on. */
function writeDays(writer: BitWriter, { dayIndices, dayValues, lastMs }: UserState): void {
  writer.golomb(dayIndices.length, 1)
  let last = Math.floor(lastMs / dayTileMs)
  for (let tile = dayIndices.length - 1; tile >= 0; tile--) {
    writer.golomb(last - dayIndices[tile]!, 2)
    last = dayIndices[tile]!
    writer.golomb(dayValues[tile * dayTileWidth]!, 0)
    writeAmount(writer, dayValues[tile * dayTileWidth + 1]!)
  }
}

function writeSearches(writer: BitWriter, { searchesMs, searchWords, lastMs }: UserState): void {
  writer.golomb(searchesMs.length, 0)
  let afterMs = lastMs
  for (let at = 0; at < searchesMs.length; at++) {
    writeNumber(writer, afterMs - searchesMs[at]!)
    afterMs = searchesMs[at]!
    const words = searchWords[at]!
    writer.golomb(words.length, 1)
    for (const word of words) writer.bits(word, wordBits)
  }
}

function writeSession(writer: BitWriter, state: UserState, session: SessionState): void {
  if (!writer.flag(session.events > 0)) return
  writeText(writer, session.sessionId)
  writer.golomb(state.lastMs - session.lastMs, 0)
  writeNumber(writer, session.lastMs - session.startMs)
  writer.golomb(session.events, 4)
  writer.golomb(session.searches, 0)
  writer.golomb(session.priceCount, 4)
  writeAmount(writer, session.priceSum)
  writeIdList(writer, state, session.items)
  writeIdList(writer, state, session.cart)
  const { items } = state.categories
  writer.golomb(session.categories.length, 2)
  for (const name of session.categories) {
    const place = items.indexOf(name)
    if (writer.flag(place >= 0)) writer.bits(place, bitsFor(items.length))
    else writeName(writer, name)
  }
  if (session.categories.length > 0) writeNumbers(writer, session.categoryCounts)
}

function writeEventIds(writer: BitWriter, { eventIds, eventIdHours, lastMs }: UserState): void {
  writer.golomb(eventIds.length, 4)
  let last = Math.floor(lastMs / hourMs)
  for (let i = eventIds.length - 1; i >= 0; i--) {
    // The newest first; a late one lies behind its neighbour, and its neighbour ahead of it.
    const behind = last - eventIdHours[i]!
    writer.golomb(behind >= 0 ? 2 * behind : -2 * behind - 1, 0)
    last = eventIdHours[i]!
    writer.wide(eventIds[i]!, idBits)
  }
}

function writeSessionTimes(writer: BitWriter, { sessionMinutes, sessionCount, sessionsMs, lastMs }: UserState): void {
  if (!writer.flag(sessionCount > 0)) return
  writeLandmark(writer, sessionsMs, lastMs)
  writer.float(sessionCount)
  if (writer.flag(sessionMinutes > 0)) writer.float(sessionMinutes)
}
