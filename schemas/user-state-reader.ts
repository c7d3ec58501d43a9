import type { BitReader } from '../core/bit-reader.ts'
import { readIds } from '../core/id-list-code.ts'
import { readAmount, readDescendingFloats, readNumber, readNumbers } from '../core/number-code.ts'
import { readText } from '../core/text-code.ts'
import { eventStrength } from './event-strength.ts'
import { devices, eventTypes } from './user-event.ts'
import { userProfileSchema } from './user-profile.ts'
import {
  dayTileMs,
  dayTileWidth,
  emptySession,
  emptyUserState,
  type RecentState,
  type SessionState,
  tasteHalfLifeMs,
  type UserState,
  type WeightedNames,
  weekTileMs,
  weekTileWidth,
} from './user-state.ts'
import { bitsFor, hourMs, idBits, itemOrder, rankedTypes, wordBits } from './user-state-layout.ts'

const strengths = eventTypes.map((type) => Math.fround(eventStrength({ type, rating: null })))
const scratch: number[] = []

/**
 * Reads what `writeUserState` wrote, or what it wrote at version 1, which knew neither the purchases of the quarter nor searches: the days
 * of the last week are made from its hours then, and older purchases are not counted. Version 2 knew no session times. Errors: a plain
 * `Error`.
 */
export function readUserState(reader: BitReader, version: number): UserState {
  const state = emptyUserState()
  state.lastMs = readNumber(reader)
  state.firstMs = state.lastMs - readNumber(reader)
  readProfile(reader, state)
  state.device = devices[reader.bits(2)]!
  if (reader.flag()) state.region = readText(reader)
  readNumbers(reader, eventTypes.length, state.counts)
  readRecent(reader, state)
  state.dismissed = readIdList(reader, state)
  readPurchased(reader, state)
  readWeightedNames(reader, state.categories, state.lastMs)
  readWeightedNames(reader, state.brands, state.lastMs)
  readPrices(reader, state)
  readHours(reader, state)
  readTiles(reader, state)
  if (version === 1) daysOfTheWeek(state)
  else {
    readDays(reader, state)
    readSearches(reader, state)
  }
  if (reader.flag()) state.session = readSession(reader, state)
  readEventIds(reader, state)
  if (version > 2) readSessionTimes(reader, state)
  return state
}

/** The length of a list; each entry takes a bit at least, so a length that lies is found before memory is. */
function readCount(reader: BitReader, order: number): number {
  const count = reader.golomb(order)
  if (count > reader.left) throw new Error(`${count} entries do not fit in ${reader.left} bits`)
  return count
}

function readProfile(reader: BitReader, state: UserState): void {
  if (!reader.flag()) return
  const length = readNumber(reader)
  if (length * 8 > reader.left) throw new Error('the bytes end within a profile')
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = reader.bits(8)
  state.profile = userProfileSchema.decode(bytes)
}

function readRecent(reader: BitReader, state: UserState): void {
  const count = readCount(reader, itemOrder)
  if (count === 0) return
  const ids = readIds(reader, count)
  let timeMs = state.lastMs - reader.golomb(0)
  readNumbers(reader, count - 1, scratch)
  const { typeOf } = rankedTypes(state.counts)
  const recent: RecentState[] = []
  for (let i = 0; i < count; i++) {
    if (i > 0) timeMs -= scratch[i - 1]!
    const number = typeOf[reader.golomb(0, eventTypes.length - 1)]!
    const type = eventTypes[number]!
    recent.push({ itemId: ids[i]!, timeMs, type, strength: type === 'rating' ? reader.float() : strengths[number]! })
  }
  state.recent = recent
}

function readIdList(reader: BitReader, { recent }: UserState): string[] {
  const count = readCount(reader, itemOrder)
  const ids: string[] = []
  let expected = Math.min(recent.length, count) - 1
  for (let i = 0; i < count; i++) {
    const isNext = reader.flag()
    if (isNext) {
      ids.push(touchedAt(recent, expected--))
      continue
    }
    const isRecent = reader.flag()
    if (isRecent) {
      const place = reader.bits(bitsFor(recent.length))
      ids.push(touchedAt(recent, place))
      expected = place - 1
    } else ids.push(readText(reader))
  }
  return ids
}

function touchedAt(recent: readonly RecentState[], place: number): string {
  const touched = recent[place]
  if (touched === undefined) throw new Error(`no item was touched at place ${place} of ${recent.length}`)
  return touched.itemId
}

function readPurchased(reader: BitReader, state: UserState): void {
  const { recent, lastMs } = state
  state.purchased = readIdList(reader, state)
  for (const id of state.purchased) {
    if (reader.flag()) {
      const touched = recent.find(({ itemId }) => itemId === id)
      if (touched === undefined) throw new Error('a purchase has no time')
      state.purchasedMs.push(touched.timeMs)
    } else state.purchasedMs.push(lastMs - readNumber(reader))
  }
}

function readWeightedNames(reader: BitReader, names: WeightedNames, lastMs: number): void {
  const count = readCount(reader, 3)
  if (count === 0) return
  names.referenceMs = readLandmark(reader, lastMs)
  for (let i = 0; i < count; i++) names.items.push(readText(reader))
  readDescendingFloats(reader, count, names.weights)
}

function readLandmark(reader: BitReader, lastMs: number): number {
  return (Math.floor(lastMs / tasteHalfLifeMs) - reader.golomb(0, 2 ** 32)) * tasteHalfLifeMs
}

function readPrices(reader: BitReader, state: UserState): void {
  if (!reader.flag()) return
  state.priceSum = reader.double()
  state.priceSumMs = readLandmark(reader, state.lastMs)
  state.priceWeight = reader.double()
  state.priceWeightMs = readLandmark(reader, state.lastMs)
}

function readHours(reader: BitReader, state: UserState): void {
  state.hoursMs = readLandmark(reader, state.lastMs)
  const active = reader.bits(24)
  for (let hour = 0; hour < 24; hour++) if (active & (1 << hour)) state.hours[hour] = reader.float()
}

function readTiles(reader: BitReader, { tileIndices, tileValues, lastMs }: UserState): void {
  const count = readCount(reader, 2)
  let index = Math.floor(lastMs / weekTileMs)
  for (let tile = 0; tile < count; tile++) {
    index -= reader.golomb(2)
    tileIndices.push(index)
    const from = tileValues.length
    for (let column = 0; column < weekTileWidth - 1; column++) tileValues.push(reader.golomb(0))
    tileValues[from + weekTileWidth - 1] = readAmount(reader)
  }
  turnTiles(tileIndices, tileValues, weekTileWidth)
}

/** They come newest first. */
function turnTiles(indices: number[], values: number[], width: number): void {
  indices.reverse()
  for (let one = 0, other = indices.length - 1; one < other; one++, other--)
    for (let column = 0; column < width; column++) {
      const value = values[one * width + column]!
      values[one * width + column] = values[other * width + column]!
      values[other * width + column] = value
    }
}

function readDays(reader: BitReader, { dayIndices, dayValues, lastMs }: UserState): void {
  const count = readCount(reader, 1)
  let index = Math.floor(lastMs / dayTileMs)
  for (let tile = 0; tile < count; tile++) {
    index -= reader.golomb(2)
    dayIndices.push(index)
    dayValues.push(reader.golomb(0), readAmount(reader))
  }
  turnTiles(dayIndices, dayValues, dayTileWidth)
}

function daysOfTheWeek({ tileIndices, tileValues, dayIndices, dayValues }: UserState): void {
  for (let tile = 0; tile < tileIndices.length; tile++) {
    const purchases = tileValues[tile * weekTileWidth + 3]!
    if (purchases === 0) continue
    const day = Math.floor((tileIndices[tile]! * weekTileMs) / dayTileMs)
    if (dayIndices.at(-1) !== day) {
      dayIndices.push(day)
      dayValues.push(0, 0)
    }
    dayValues[dayValues.length - 2]! += purchases
    dayValues[dayValues.length - 1]! += tileValues[tile * weekTileWidth + 4]!
  }
}

function readSearches(reader: BitReader, { searchesMs, searchWords, lastMs }: UserState): void {
  const count = readCount(reader, 0)
  let timeMs = lastMs
  for (let at = 0; at < count; at++) {
    timeMs -= readNumber(reader)
    searchesMs.push(timeMs)
    searchWords.push(Array.from({ length: readCount(reader, 1) }, () => reader.bits(wordBits)))
  }
}

function readSession(reader: BitReader, state: UserState): SessionState {
  const session = emptySession(readText(reader), 0)
  session.lastMs = state.lastMs - reader.golomb(0)
  session.startMs = session.lastMs - readNumber(reader)
  session.events = reader.golomb(4)
  session.searches = reader.golomb(0)
  session.priceCount = reader.golomb(4)
  session.priceSum = readAmount(reader)
  session.items = readIdList(reader, state)
  session.cart = readIdList(reader, state)
  const { items } = state.categories
  const count = readCount(reader, 2)
  for (let i = 0; i < count; i++) {
    if (!reader.flag()) session.categories.push(readText(reader))
    else {
      const place = reader.bits(bitsFor(items.length))
      if (place >= items.length) throw new Error(`no category has place ${place} of ${items.length}`)
      session.categories.push(items[place]!)
    }
  }
  if (count > 0) readNumbers(reader, count, session.categoryCounts)
  return session
}

function readEventIds(reader: BitReader, { eventIds, eventIdHours, lastMs }: UserState): void {
  const count = readCount(reader, 4)
  let hour = Math.floor(lastMs / hourMs)
  for (let i = 0; i < count; i++) {
    const zigzag = reader.golomb(0, 2 ** 32)
    hour -= zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    eventIdHours.push(hour)
    eventIds.push(reader.wide(idBits))
  }
  eventIds.reverse()
  eventIdHours.reverse()
}

function readSessionTimes(reader: BitReader, state: UserState): void {
  if (!reader.flag()) return
  state.sessionsMs = readLandmark(reader, state.lastMs)
  state.sessionCount = reader.float()
  if (reader.flag()) state.sessionMinutes = reader.float()
}
