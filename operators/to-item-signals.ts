import { map, type OperatorFunction } from 'rxjs'
import { fnv1a32 } from '../core/hash.ts'
import { partitionFor } from '../core/partition-for.ts'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import { eventStrength } from '../schemas/event-strength.ts'
import { type ItemSignals, signalKinds } from '../schemas/item-signals.ts'
import { eventTypes } from '../schemas/user-event.ts'
import type { FoldedEvent } from './fold-user-events.ts'

/** Keys whose partition is remembered between batches; a full memory starts anew. */
const rememberedMax = 100_000

/**
 * What events say about items, packed as columns, one record per target partition and batch: the event itself, the item within
 * its scopes (all, first and last category, region), companions both ways (weight 1 for each of the last four items of the
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
  const remembered = new Map<string, number>()
  return map((batch) => {
    const { partitions } = batch.task
    const packs = new Map<number, SignalPack>()
    const packOf = (key: string): SignalPack => {
      let partition = remembered.get(key)
      if (partition === undefined) {
        if (remembered.size >= rememberedMax) remembered.clear()
        partition = partitionFor(key, partitions)
        remembered.set(key, partition)
      }
      let pack = packs.get(partition)
      if (!pack) {
        pack = new SignalPack(batch.task.partition)
        packs.set(partition, pack)
      }
      return pack
    }
    for (const folded of batch.records) addSignals(folded, packOf)
    const records = [...packs].sort(([a], [b]) => a - b)
    return { ...batch, records: records.map(([partition, pack]) => ({ key: String(partition), value: pack, partition })) }
  })
}

function addSignals(folded: FoldedEvent, packOf: (key: string) => SignalPack): void {
  const { event } = folded
  const { itemId } = event
  if (itemId === null) return
  const strength = eventStrength(event)
  const person = fnv1a32(event.userId) | 0
  const amount = (event.price ?? 0) * (event.type === 'purchase' ? (event.quantity ?? 1) : 1)
  const own = packOf(itemId)
  own.add(
    folded,
    itemId,
    null,
    eventTypes.indexOf(event.type),
    event.type === 'rating' ? (event.rating ?? 0) : strength,
    person,
    amount,
  )
  if (strength > 0) {
    for (const scope of scopesOf(folded)) packOf(scope).add(folded, scope, itemId, signalKinds.scope, strength, person, 0)
  }
  for (const companion of folded.companions) {
    own.add(folded, itemId, companion, signalKinds.coVisit, 1, person, 0)
    packOf(companion).add(folded, companion, itemId, signalKinds.coVisit, 1, person, 0)
  }
  for (const [at, bought] of folded.boughtBefore.entries()) {
    packOf(bought).add(folded, bought, itemId, signalKinds.coPurchase, 1, person, 0)
    if (at < folded.basketCount) own.add(folded, itemId, bought, signalKinds.coPurchase, 1, person, 0)
  }
}

function scopesOf({ event }: FoldedEvent): string[] {
  const scopes = ['scope:all']
  const [top] = event.category
  const leaf = event.category.at(-1)
  if (top !== undefined) scopes.push(`scope:category:${top}`)
  if (leaf !== undefined && leaf !== top) scopes.push(`scope:category:${leaf}`)
  if (event.region !== null) scopes.push(`scope:region:${event.region}`)
  return scopes
}

/** One record being packed: texts are kept once. */
class SignalPack implements ItemSignals {
  readonly sourcePartition: number
  loggedMs = 0
  readonly strings: string[] = []
  readonly keys: number[] = []
  readonly others: number[] = []
  readonly kinds: number[] = []
  readonly offsets: number[] = []
  readonly timesMs: number[] = []
  readonly weights: number[] = []
  readonly people: number[] = []
  readonly amounts: number[] = []
  readonly #numbers = new Map<string, number>()

  constructor(sourcePartition: number) {
    this.sourcePartition = sourcePartition
  }

  add(
    folded: FoldedEvent,
    key: string,
    other: string | null,
    kind: number,
    weight: number,
    person: number,
    amount: number,
  ): void {
    this.loggedMs = Math.max(this.loggedMs, folded.loggedMs)
    this.keys.push(this.#numberOf(key))
    this.others.push(other === null ? -1 : this.#numberOf(other))
    this.kinds.push(kind)
    this.offsets.push(folded.offset)
    this.timesMs.push(folded.event.timeMs)
    this.weights.push(weight)
    this.people.push(person)
    this.amounts.push(amount)
  }

  #numberOf(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.strings.push(text) - 1
      this.#numbers.set(text, number)
    }
    return number
  }
}
