import { concatMap, type OperatorFunction } from 'rxjs'
import type { Batch, StateFamily, Transaction } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { ExperimentDelta } from '../schemas/experiment-delta.ts'
import { type PersonCount, personCounts } from '../schemas/experiment-metric.ts'
import { type Exposure, type PersonState, personStateSchema } from '../schemas/person-state.ts'
import type { Reward, SlotOutcome } from '../schemas/reward.ts'

export const personFamily: StateFamily<PersonState> = { name: 'person', codec: personStateSchema }

/**
 * Experiments counted of a row and remembered of a person: more than may run at once. One that is forgotten and comes back counts the
 * person again.
 */
const exposuresMax = 64

/**
 * Counts each person once per experiment, from their first real showing on, and tells how a showing moved their counts. The variant of
 * that first showing stays theirs. Slots that a bandit filled are left out: their chances depend on earlier outcomes, so no plain test
 * may use them. What was counted before the first showing is kept as what was known before. A delta's running number follows from its
 * row's number and the experiment's place there, so nothing that is counted of others, or forgotten, moves it.
 *
 *     source  x-----y--|     x = [showing in variant b, clicked]   y = [another of the same person]
 *     result  d-----e--|     d = [b: nobody → 1 click]             e = [b: 1 click → 1 click, more slots]
 *
 * - Order: as the showings come, their experiments in order of assignment; batches keep theirs.
 * - Bound: holds the people of one batch; of each the 64 experiments with the newest showings.
 * - Time: none.
 * - Complete: after the running batch.
 * - Error: passes on.
 */
export function measureExperiments(): OperatorFunction<Batch<Keyed<Reward>>, Batch<Keyed<ExperimentDelta>>> {
  return concatMap(async (batch) => {
    const { transaction } = batch
    if (batch.records.length === 0) return { ...batch, records: [] }
    await transaction.load(personFamily, new Set(batch.records.map(({ value }) => value.userId)))
    return { ...batch, records: batch.records.flatMap(({ value }) => movesOf(transaction, value)) }
  })
}

function movesOf(transaction: Transaction, row: Reward): Keyed<ExperimentDelta>[] {
  const person = transaction.get(personFamily, row.userId) ?? { clicks: 0, purchases: 0, exposures: [] }
  const more = countsOf(row)
  const isFirst = row.revision === 0
  const explored = isFirst ? row.slots.filter(({ slot }) => slot.explored).length : 0
  const moves: Keyed<ExperimentDelta>[] = []
  for (const [place, { experiment, variant }] of row.assignments.slice(0, exposuresMax).entries()) {
    const known = person.exposures.find((exposure) => exposure.experiment === experiment)
    if (!known && !isFirst) continue
    const exposure: Exposure = known ?? { experiment, variant, crossed: false, counts: emptyCounts(person) }
    const before = known ? exposure.counts : []
    const crossed = exposure.variant !== variant && !exposure.crossed
    exposure.crossed ||= crossed
    exposure.counts = grown(exposure.counts, more)
    if (isFirst) person.exposures = [...person.exposures.filter((other) => other !== exposure), exposure].slice(-exposuresMax)
    const value = {
      experiment,
      variant: exposure.variant,
      sourcePartition: row.sourcePartition,
      sequence: row.sequence * exposuresMax + place,
      closedMs: row.closedMs,
      before,
      after: exposure.counts,
      explored,
      crossed,
    }
    moves.push({ key: experiment, value })
  }
  person.clicks += more.clicks
  person.purchases += more.purchases
  // Of somebody in no experiment who has clicked nothing there is nothing to remember.
  if (person.exposures.length > 0 || person.clicks > 0) transaction.put(personFamily, row.userId, person)
  return moves
}

/** What a row adds, by name. */
type Counts = Readonly<Record<Exclude<PersonCount, 'buyer' | 'pastClicks' | 'pastPurchases'>, number>>

function countsOf({ slots, revision }: Reward): Counts {
  const counts = { slots: 0, clicks: 0, likes: 0, purchases: 0, reward: 0, revenue: 0 }
  for (const { slot, before, ...now } of slots) {
    if (slot.explored) continue
    if (revision === 0) counts.slots++
    addOutcome(counts, now, 1)
    if (before) addOutcome(counts, before, -1)
  }
  return counts
}

function addOutcome(counts: { -readonly [N in keyof Counts]: number }, outcome: SlotOutcome, sign: 1 | -1): void {
  if (outcome.clicked) counts.clicks += sign
  if (outcome.liked) counts.likes += sign
  if (outcome.purchased) counts.purchases += sign
  counts.reward += sign * Math.round(100 * outcome.reward)
  counts.revenue += sign * Math.round(100 * outcome.revenue)
}

function emptyCounts({ clicks, purchases }: PersonState): number[] {
  return personCounts.map((name) => (name === 'pastClicks' ? clicks : name === 'pastPurchases' ? purchases : 0))
}

function grown(counts: readonly number[], more: Counts): number[] {
  return personCounts.map((name, index) => {
    const before = counts[index]!
    if (name === 'buyer') return Math.max(before, Math.min(1, more.purchases))
    return name === 'pastClicks' || name === 'pastPurchases' ? before : before + more[name]
  })
}
