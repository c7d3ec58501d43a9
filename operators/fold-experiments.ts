import { concatMap, type OperatorFunction } from 'rxjs'
import { emptyMoments, movePerson } from '../algorithms/count-moments.ts'
import { moveTail } from '../algorithms/tail-sums.ts'
import type { Batch, Sourced, StateFamily } from '../ports/batch.ts'
import type { ExperimentDelta } from '../schemas/experiment-delta.ts'
import { cappedCount, personCounts } from '../schemas/experiment-metric.ts'
import { type ExperimentTally, experimentTallySchema, type VariantTally } from '../schemas/experiment-tally.ts'

export const tallyFamily: StateFamily<ExperimentTally> = { name: 'tally', codec: experimentTallySchema }
/** Positions of the tasks that counted: their running numbers, not offsets of the topic. */
const upstreamName = 'experiment-counts'

const capped = personCounts.indexOf(cappedCount.of)
const known = personCounts.indexOf(cappedCount.past)

/** The sums of one experiment as they stand after a batch. */
export interface TalliedExperiment {
  readonly experiment: string
  readonly tally: ExperimentTally
}

/**
 * Adds what people did to the sums of their variants: a person's counts before leave, those after come. Deltas below the stored number
 * of the task that counted them were applied before and are skipped. All sums are whole numbers, so the state is the same whatever the
 * order.
 *
 *     source  x----y--|     x = [a person's first showing in exp, their second]   y = [the first again]
 *     result  x----y--|     x = [exp: one person, both showings]                  y = []
 *
 * - Order: experiments, each once, in order of first touch; batches keep theirs.
 * - Bound: holds the experiments of one batch.
 * - Time: none.
 * - Complete: after the running batch.
 * - Error: passes on; a delta with a wrong number of counts is set aside.
 */
export function foldExperiments(): OperatorFunction<Batch<Sourced<ExperimentDelta>>, Batch<TalliedExperiment>> {
  return concatMap(async (batch) => {
    const { transaction } = batch
    await transaction.load(tallyFamily, new Set(batch.records.map(({ value }) => value.experiment)))
    const touched = new Map<string, ExperimentTally>()
    for (const record of batch.records) {
      const delta = record.value
      if (delta.sequence < transaction.upstream(upstreamName, delta.sourcePartition)) continue
      transaction.setUpstream(upstreamName, delta.sourcePartition, delta.sequence + 1)
      if (!isCounted(delta.after) || !(delta.before.length === 0 || isCounted(delta.before))) {
        transaction.deadLetter(
          record,
          'fold',
          'MILL_RECORD_INVALID',
          `a delta has ${personCounts.length} whole counts, or none before`,
        )
        continue
      }
      const tally = transaction.get(tallyFamily, delta.experiment) ?? { variants: [], version: 0, eventTimeMs: 0 }
      add(tally, delta)
      transaction.put(tallyFamily, delta.experiment, tally)
      touched.set(delta.experiment, tally)
    }
    return { ...batch, records: Array.from(touched, ([experiment, tally]) => ({ experiment, tally })) }
  })
}

function isCounted(counts: readonly number[]): boolean {
  return counts.length === personCounts.length && counts.every((count) => Number.isSafeInteger(count))
}

function add(tally: ExperimentTally, delta: ExperimentDelta): void {
  const variant = variantOf(tally, delta.variant)
  movePerson(variant, delta.before, delta.after)
  moveTail(variant.tails, delta.before[capped] ?? null, delta.after[capped]!, delta.after[known]!)
  variant.explored += delta.explored
  if (delta.crossed) variant.crossed++
  tally.version++
  tally.eventTimeMs = Math.max(tally.eventTimeMs, delta.closedMs)
}

function variantOf(tally: ExperimentTally, name: string): VariantTally {
  const known = tally.variants.find(({ variant }) => variant === name)
  if (known) return known
  const variant = { variant: name, crossed: 0, explored: 0, tails: [], ...emptyMoments(personCounts.length) }
  tally.variants.push(variant)
  tally.variants.sort((a, b) => (a.variant < b.variant ? -1 : 1))
  return variant
}
