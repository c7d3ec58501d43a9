import { map, type OperatorFunction } from 'rxjs'
import { hourInZone } from '../algorithms/hour-in-zone.ts'
import { fnv1a32 } from '../core/hash.ts'
import { partitionFor } from '../core/partition-for.ts'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import { eventStrength } from '../schemas/event-strength.ts'
import { type ItemSignals, signalKinds } from '../schemas/item-signals.ts'
import { scopeNames } from '../schemas/scope-names.ts'
import { eventTypeNumber } from '../schemas/user-event.ts'
import type { FoldedEvent } from './fold-user-events.ts'

/** Keys and scopes remembered between batches, each. */
const rememberedMax = 100_000

/**
 * What events say about items, packed as columns, one record per target partition and batch: the event itself, the item within
 * its scopes (all, first and last category, region, daypart and season), what a buyer spent, companions both ways (weight 1 for each of the last four items of the
 * session, once per session), what was bought before it, and the other way round too within one basket.
 *
 *     source  x--y--|     x = [a1 on i, b1 on j]
 *     result  x--y--|     x = [{partition of i: rows}, {partition of j: rows}]
 *
 * - Order: rows of a record by source offset; batches keep theirs.
 * - Bound: holds one batch; the partitions of 100,000 keys are remembered.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toItemSignals(): OperatorFunction<Batch<FoldedEvent>, Batch<Keyed<ItemSignals>>> {
  const partitionOf = partitionMemory()
  return map((batch) => {
    const { partition, partitions } = batch.task
    const packs = new Map<number, SignalPack>()
    // A key comes in many rows of a batch: its pack and its number there are looked up once.
    const places = new Map<string, Place>()
    const placeOf = (key: string): Place => {
      let place = places.get(key)
      if (!place) {
        const target = partitionOf(key, partitions)
        let pack = packs.get(target)
        if (!pack) {
          pack = new SignalPack(partition)
          packs.set(target, pack)
        }
        place = { pack, number: pack.numberOf(key) }
        places.set(key, place)
      }
      return place
    }
    for (const folded of batch.records) addSignals(folded, placeOf)
    const records = [...packs].sort(([a], [b]) => a - b)
    return { ...batch, records: records.map(([target, pack]) => ({ key: String(target), value: pack, partition: target })) }
  })
}

/** Where the rows of a key go: the pack of its partition, and its number among the texts there. */
interface Place {
  readonly pack: SignalPack
  readonly number: number
}

/** Partitions of keys, remembered; a full memory starts anew. */
function partitionMemory(): (key: string, partitions: number) => number {
  const remembered = new Map<string, number>()
  return (key, partitions) => {
    let partition = remembered.get(key)
    if (partition === undefined) {
      if (remembered.size >= rememberedMax) remembered.clear()
      partition = partitionFor(key, partitions)
      remembered.set(key, partition)
    }
    return partition
  }
}

function addSignals(folded: FoldedEvent, placeOf: (key: string) => Place): void {
  const { event } = folded
  const { itemId } = event
  if (itemId === null) return
  const strength = eventStrength(event)
  const item = placeOf(itemId)
  const own = item.pack
  own.add(folded, item.number, -1, eventTypeNumber(event.type), event.type === 'rating' ? (event.rating ?? 0) : strength)
  if (strength > 0) {
    addToScope(folded, placeOf(scopeNames.all), item, strength)
    const { category } = event
    const top = category[0]
    const leaf = category.at(-1)
    if (top !== undefined) addToScope(folded, placeOf(categoryScope(top)), item, strength)
    if (leaf !== undefined && leaf !== top) addToScope(folded, placeOf(categoryScope(leaf)), item, strength)
    if (event.region !== null) addToScope(folded, placeOf(regionScope(event.region)), item, strength)
    addToScope(folded, placeOf(scopeNames.daypart(hourInZone(event.timeMs, event.timeZone))), item, strength)
    addToScope(folded, placeOf(scopeNames.season(event.timeMs)), item, strength)
  }
  for (const { step, people } of folded.spender) {
    const { pack, number } = placeOf(scopeNames.all)
    pack.add(folded, number, pack.numberOf(String(step)), signalKinds.spend, people)
  }
  for (const companion of folded.companions) {
    const other = placeOf(companion)
    own.add(folded, item.number, own.numberOf(companion), signalKinds.coVisit, 1)
    other.pack.add(folded, other.number, other.pack.numberOf(itemId), signalKinds.coVisit, 1)
  }
  for (const [at, bought] of folded.boughtBefore.entries()) {
    const other = placeOf(bought)
    other.pack.add(folded, other.number, other.pack.numberOf(itemId), signalKinds.coPurchase, 1)
    if (at < folded.basketCount) own.add(folded, item.number, own.numberOf(bought), signalKinds.coPurchase, 1)
  }
}

function addToScope(folded: FoldedEvent, scope: Place, item: Place, strength: number): void {
  const other = scope.pack === item.pack ? item.number : scope.pack.numberOf(folded.event.itemId!)
  scope.pack.add(folded, scope.number, other, signalKinds.scope, strength)
}

const categoryScope = scopeMemory(scopeNames.category)
const regionScope = scopeMemory(scopeNames.region)

/** Names of scopes, remembered: an equal text made anew would have to be hashed anew. */
function scopeMemory(nameOf: (name: string) => string): (name: string) => string {
  const remembered = new Map<string, string>()
  return (name) => {
    let scope = remembered.get(name)
    if (scope === undefined) {
      if (remembered.size >= rememberedMax) remembered.clear()
      scope = nameOf(name)
      remembered.set(name, scope)
    }
    return scope
  }
}

/** One record being packed: texts are kept once, and so is what all rows of an event share. */
class SignalPack implements ItemSignals {
  readonly sourcePartition: number
  loggedMs = 0
  readonly strings: string[] = []
  readonly offsets: number[] = []
  readonly timesMs: number[] = []
  readonly people: number[] = []
  readonly rowCounts: number[] = []
  readonly keys: number[] = []
  readonly others: number[] = []
  readonly kinds: number[] = []
  readonly weights: number[] = []
  readonly #numbers = new Map<string, number>()
  #event: FoldedEvent | undefined
  #offset = 0
  #timeMs = 0

  constructor(sourcePartition: number) {
    this.sourcePartition = sourcePartition
  }

  /** Adds a row; the rows of an event come one after the other. */
  add(folded: FoldedEvent, key: number, other: number, kind: number, weight: number): void {
    if (this.#event !== folded) this.#begin(folded)
    this.rowCounts[this.rowCounts.length - 1]!++
    this.keys.push(key)
    this.others.push(other)
    this.kinds.push(kind)
    this.weights.push(weight)
  }

  /** The number of a text in `strings`. */
  numberOf(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.strings.push(text) - 1
      this.#numbers.set(text, number)
    }
    return number
  }

  #begin(folded: FoldedEvent): void {
    const { event, offset, loggedMs } = folded
    this.#event = folded
    if (loggedMs > this.loggedMs) this.loggedMs = loggedMs
    this.offsets.push(offset - this.#offset)
    this.timesMs.push(event.timeMs - this.#timeMs)
    this.people.push(fnv1a32(event.userId) | 0)
    this.rowCounts.push(0)
    this.#offset = offset
    this.#timeMs = event.timeMs
  }
}
