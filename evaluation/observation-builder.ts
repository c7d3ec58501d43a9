import { MillraceError } from '../core/errors.ts'
import { createRandom } from '../core/random.ts'
import type { Item } from '../schemas/item.ts'
import { eventTypeNumber, type UserEvent } from '../schemas/user-event.ts'
import { type DataPart, dataParts, type Observations } from './observations.ts'

/** Events one evaluation holds in memory at most, about 50 bytes each. */
const eventsMax = 50_000_000

export interface ObservationBuilderOptions {
  /** Events without a session: a visit ends after so long without one, ms; `Infinity` = all events of a user are one visit. */
  readonly sessionGapMs: number
  /** Items stand in an order drawn from this instead of by id: equal scores then do, too. */
  readonly tieSeed?: number | undefined
}

/** Collects events of any order and makes `Observations` of them: dense indexes, order of time, visits. */
export class ObservationBuilder {
  readonly #options: ObservationBuilderOptions
  readonly #users = new Map<string, number>()
  readonly #items = new Map<string, number>()
  readonly #sessions = new Map<string, number>()
  readonly #facts = new Map<string, Item>()
  readonly #rows = new GrowingRows()

  constructor(options: ObservationBuilderOptions) {
    this.#options = options
  }

  /** Takes one event; searches and dismissals have no place here: nobody went there. Errors: `MILL_IMPORT_INVALID` when too many. */
  add(event: UserEvent, part: DataPart = 'train'): void {
    if (event.itemId === null || event.type === 'dismiss') return
    if (this.#rows.count >= eventsMax)
      throw new MillraceError('MILL_IMPORT_INVALID', `more than ${eventsMax} events; evaluate a part of the data`)
    // A visit of one part is not that of another part, even where the files number both from 1.
    const session = event.sessionId === null ? -1 : numberOf(this.#sessions, `${part} ${event.userId} ${event.sessionId}`)
    this.#rows.add({
      user: numberOf(this.#users, event.userId),
      item: numberOf(this.#items, event.itemId),
      session,
      timeMs: event.timeMs,
      type: eventTypeNumber(event.type),
      rating: event.type === 'rating' ? (event.rating ?? 0) : 0,
      part: dataParts.indexOf(part),
    })
  }

  /** Takes what is known of an item, with or without events. */
  describe(item: Item): void {
    numberOf(this.#items, item.itemId)
    this.#facts.set(item.itemId, item)
  }

  /** Everything taken so far. Errors: `MILL_IMPORT_INVALID` without any event. */
  finish(): Observations {
    const rows = this.#rows
    if (rows.count === 0) throw new MillraceError('MILL_IMPORT_INVALID', 'the data has no event with an item')
    const order = Int32Array.from({ length: rows.count }, (_, n) => n).sort((a, b) => rows.times[a]! - rows.times[b]! || a - b)
    const ids = [...this.#items.keys()]
    const { tieSeed } = this.#options
    const { sorted: itemIds, rank } = inOrder(ids, tieSeed === undefined ? orderOfIds(ids) : shuffled(ids.length, tieSeed))
    const sorted = {
      count: rows.count,
      users: Int32Array.from(order, (row) => rows.users[row]!),
      items: Int32Array.from(order, (row) => rank[rows.items[row]!]!),
      sessions: Int32Array.from(order, (row) => rows.sessions[row]!),
      timesMs: Float64Array.from(order, (row) => rows.times[row]!),
      types: Uint8Array.from(order, (row) => rows.types[row]!),
      ratings: Float32Array.from(order, (row) => rows.ratings[row]!),
      parts: Uint8Array.from(order, (row) => rows.parts[row]!),
      userIds: [...this.#users.keys()],
      itemIds,
      ties: tieSeed === undefined ? 'by item id' : `in the order drawn from ${tieSeed}`,
      facts: itemIds.map((id) => this.#facts.get(id) ?? null),
    }
    return { ...sorted, sessionCount: this.#cutVisits(sorted) }
  }

  /** Gives events without a session the visit that the gap makes of them; returns the number of sessions. */
  #cutVisits({ count, users, sessions, timesMs }: Omit<Observations, 'sessionCount'>): number {
    let next = this.#sessions.size
    const running = new Int32Array(this.#users.size).fill(-1)
    const last = new Float64Array(this.#users.size)
    for (let row = 0; row < count; row++) {
      if (sessions[row]! >= 0) continue
      const user = users[row]!
      if (running[user] === -1 || timesMs[row]! - last[user]! > this.#options.sessionGapMs) running[user] = next++
      last[user] = timesMs[row]!
      sessions[row] = running[user]!
    }
    return next
  }
}

/** Ids in their order (numbers by value if all are numbers, else by text) and the place of each in it. */
function orderOfIds(ids: readonly string[]): number[] {
  const numeric = ids.every((id) => /^\d{1,15}$/.test(id))
  const order = ids.map((_, n) => n)
  if (numeric) return order.sort((a, b) => Number(ids[a]) - Number(ids[b]) || (ids[a]! < ids[b]! ? -1 : 1))
  return order.sort((a, b) => (ids[a]! < ids[b]! ? -1 : 1))
}

/** Whole numbers below `count` in an order drawn from a seed (Fisher and Yates). */
function shuffled(count: number, seed: number): number[] {
  const random = createRandom(`ties ${seed}`)
  const order = Array.from({ length: count }, (_, n) => n)
  for (let at = count - 1; at > 0; at--) {
    const other = random.below(at + 1)
    ;[order[at], order[other]] = [order[other]!, order[at]!]
  }
  return order
}

function inOrder(ids: readonly string[], order: readonly number[]): { sorted: string[]; rank: Int32Array } {
  const rank = new Int32Array(ids.length)
  order.forEach((n, place) => {
    rank[n] = place
  })
  return { sorted: order.map((n) => ids[n]!), rank }
}

function numberOf(numbers: Map<string, number>, id: string): number {
  const known = numbers.get(id)
  if (known !== undefined) return known
  numbers.set(id, numbers.size)
  return numbers.size - 1
}

/** Columns that double when full. */
class GrowingRows {
  users = new Int32Array(1024)
  items = new Int32Array(1024)
  sessions = new Int32Array(1024)
  times = new Float64Array(1024)
  types = new Uint8Array(1024)
  ratings = new Float32Array(1024)
  parts = new Uint8Array(1024)
  count = 0

  add(row: { user: number; item: number; session: number; timeMs: number; type: number; rating: number; part: number }): void {
    if (this.count === this.users.length) this.#grow()
    const at = this.count++
    this.users[at] = row.user
    this.items[at] = row.item
    this.sessions[at] = row.session
    this.times[at] = row.timeMs
    this.types[at] = row.type
    this.ratings[at] = row.rating
    this.parts[at] = row.part
  }

  #grow(): void {
    const size = this.count * 2
    this.users = widened(this.users, new Int32Array(size))
    this.items = widened(this.items, new Int32Array(size))
    this.sessions = widened(this.sessions, new Int32Array(size))
    this.times = widened(this.times, new Float64Array(size))
    this.types = widened(this.types, new Uint8Array(size))
    this.ratings = widened(this.ratings, new Float32Array(size))
    this.parts = widened(this.parts, new Uint8Array(size))
  }
}

function widened<A extends { set(from: A): void }>(from: A, to: A): A {
  to.set(from)
  return to
}
