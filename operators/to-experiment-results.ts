import { map, type OperatorFunction } from 'rxjs'
import { compareVariants } from '../algorithms/compare-variants.ts'
import { emptyMoments } from '../algorithms/count-moments.ts'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Experiment, ExperimentMeasure } from '../schemas/experiment.ts'
import { experimentMetrics, type MetricDefinition, personCounts } from '../schemas/experiment-metric.ts'
import type { ExperimentResult } from '../schemas/experiment-result.ts'
import type { TalliedExperiment } from './fold-experiments.ts'

/** Where experiments are looked up. */
export interface ExperimentDefinitions {
  get(id: string): Experiment | undefined
}

/**
 * Compares the variants of each experiment as its definition says and tells how they stand. An experiment that nobody has defined here
 * is counted and not compared.
 *
 *     source  x--|     x = [sums of exp, which has 2 variants and 1 measure]
 *     result  r--|     r = [the control's mean, the other's mean and lift]
 *
 * - Order: as the experiments come; measures as defined, in each the variants as defined; batches keep theirs.
 * - Bound: holds one batch.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toExperimentResults(
  definitions: ExperimentDefinitions,
): OperatorFunction<Batch<TalliedExperiment>, Batch<Keyed<ExperimentResult>>> {
  return map((batch) => ({
    ...batch,
    records: batch.records.flatMap((tallied) => {
      const definition = definitions.get(tallied.experiment)
      return definition ? resultsOf(definition, tallied) : []
    }),
  }))
}

function resultsOf(experiment: Experiment, { tally }: TalliedExperiment): Keyed<ExperimentResult>[] {
  const tallies = experiment.variants.map(({ name }) => tally.variants.find(({ variant }) => variant === name))
  const variants = experiment.variants.map(({ name, weight }, index) => ({
    name,
    weight,
    moments: tallies[index] ?? emptyMoments(personCounts.length),
    tails: tallies[index]?.tails ?? [],
  }))
  const compared = compareVariants(variants, experiment.control, experiment.measures.map(measureOf), experiment)
  return compared.comparisons.map((comparison) => {
    const { variant, metric, estimate, once, anytime } = comparison
    const own = tallies[variants.findIndex(({ name }) => name === variant)]
    const value: ExperimentResult = {
      experiment: experiment.id,
      variant,
      metric,
      control: experiment.control,
      people: estimate.count,
      crossed: own?.crossed ?? 0,
      explored: own?.explored ?? 0,
      mean: estimate.mean,
      standardError: estimate.count > 0 ? Math.sqrt(estimate.variance / estimate.count) : 0,
      varianceExplained: comparison.varianceExplained,
      cap: comparison.cap,
      lift: once?.value ?? null,
      lower: once?.lower ?? null,
      upper: once?.upper ?? null,
      pValue: once?.pValue ?? null,
      anytimeLower: anytime?.lower ?? null,
      anytimeUpper: anytime?.upper ?? null,
      anytimePValue: anytime?.pValue ?? null,
      holmPValue: comparison.holmPValue,
      sampleRatioPValue: compared.sampleRatioPValue,
      verdict: comparison.verdict,
      guardrail: comparison.guardrail,
      version: tally.version,
      eventTimeMs: tally.eventTimeMs,
    }
    return { key: `${experiment.id}/${variant}/${metric}`, value }
  })
}

function measureOf({ metric, lossMax }: ExperimentMeasure) {
  const { of, per, past, unit, capShare }: MetricDefinition = experimentMetrics[metric]
  return {
    metric,
    of: personCounts.indexOf(of),
    per: per === null ? null : personCounts.indexOf(per),
    past: past === null ? null : personCounts.indexOf(past),
    unit,
    capShare,
    lossMax,
  }
}
