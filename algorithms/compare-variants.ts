import { clickThroughEstimate } from './click-through.ts'
import { type CountMoments, cupedSumsOf, meanSumsOf, ratioSumsOf } from './count-moments.ts'
import { type CupedSums, cupedEstimate, cupedTheta, mergeCuped } from './cuped.ts'
import { alwaysValidDifference, type Difference, type MeanEstimate, welchDifference } from './difference.ts'
import { holm } from './holm.ts'
import { meanEstimate } from './mean-sums.ts'
import { sampleRatio } from './sample-ratio.ts'
import { capOf, capSums, type TailSums } from './tail-sums.ts'

/** One arm with what was counted of its people. */
export interface ComparedVariant {
  readonly name: string
  /** Share of people as planned, ≥ 0. */
  readonly weight: number
  readonly moments: CountMoments
  /** By bucket of the count that measures with a `capShare` are about; empty for none. */
  readonly tails: readonly TailSums[]
}

/** What is compared: a count of people, or one per another. */
export interface ComparedMeasure {
  readonly metric: string
  /** Indexes of counts: what, per what (null = per person), and, of a mean, what was known before (null = nothing). */
  readonly of: number
  readonly per: number | null
  readonly past: number | null
  /** What one of the count is worth. */
  readonly unit: number
  /** Share of people, of all variants together, whose count stands as it is; those above count as the largest of them. Null = all. */
  readonly capShare: number | null
  /** Of a guardrail the relative loss that is borne; null for a goal. */
  readonly lossMax: number | null
}

export interface Comparison {
  readonly variant: string
  readonly metric: string
  /** As counted, without what the past explains. */
  readonly estimate: MeanEstimate
  /** Share of the variance that the past explains, 0–1. */
  readonly varianceExplained: number
  /** What a person counts at most, in units; null without a cap. */
  readonly cap: number | null
  /** The lift over the control, for one look at a planned end and for looks at any time; null where nothing can be said. */
  readonly once: Difference | null
  readonly anytime: Difference | null
  /** Of goals the always-valid p-value after Holm over all goals and variants. */
  readonly holmPValue: number | null
  /** `invalid` under a sample-ratio mismatch: no result may be trusted then. */
  readonly verdict: 'open' | 'better' | 'worse' | 'invalid'
  /** Of a guardrail: whether the lift surely stays above −`lossMax`, surely does not, or neither. */
  readonly guardrail: 'open' | 'safe' | 'broken' | null
}

/**
 * People that both arms must have before anything always-valid is told: the interval is asymptotic, and with 10 people an arm it was
 * wrong in 11 of 100 experiments without a difference instead of 5.
 */
export const anytimePeopleMin = 100

/**
 * Compares every variant with the control in every measure, people being the units: lifts by Welch's test and by an always-valid
 * interval (tuned for `tunedFor` people), ratios by the delta method, means with what the past explains taken out (CUPED). What may be
 * acted on at any look is the verdict: it takes the always-valid p-values of all goals, corrected by Holm.
 */
export function compareVariants(
  variants: readonly ComparedVariant[],
  control: string,
  measures: readonly ComparedMeasure[],
  options: { readonly alpha: number; readonly tunedFor: number },
): { readonly sampleRatioPValue: number; readonly comparisons: readonly Comparison[] } {
  const { alpha } = options
  const ratio = sampleRatio(
    variants.map(({ moments }) => moments.people),
    variants.map(({ weight }) => weight),
  )
  const base = variants.findIndex(({ name }) => name === control)
  const drafts = measures.flatMap((measure) => {
    const cap = capIn(variants, measure)
    const estimates = variants.map((variant) => rawEstimate(variant, measure, cap))
    const adjusted = adjustedEstimates(variants, measure, cap) ?? estimates
    return variants.map(({ name }, index) => {
      const lifts = index !== base && base >= 0 && estimates[base]!.mean > 0
      const pair = [adjusted[base]!, adjusted[index]!] as const
      const how = { relative: true, ...options }
      return {
        variant: name,
        metric: measure.metric,
        measure,
        estimate: estimates[index]!,
        cap: cap === null ? null : cap * measure.unit,
        varianceExplained: explained(estimates[index]!, adjusted[index]!),
        once: lifts ? welchDifference(...pair, how) : null,
        anytime: lifts && pair.every(({ count }) => count >= anytimePeopleMin) ? alwaysValidDifference(...pair, how) : null,
      }
    })
  })
  const goals = drafts.filter(({ measure, anytime }) => measure.lossMax === null && anytime !== null)
  const corrected = holm(goals.map(({ anytime }) => anytime!.pValue))
  const comparisons = drafts.map(({ measure, ...draft }): Comparison => {
    const goal = goals.findIndex(({ variant, metric }) => variant === draft.variant && metric === draft.metric)
    const holmPValue = goal < 0 ? null : corrected[goal]!
    const sure = holmPValue !== null && holmPValue < alpha
    return {
      ...draft,
      holmPValue,
      verdict: ratio.mismatch ? 'invalid' : !sure ? 'open' : draft.anytime!.value > 0 ? 'better' : 'worse',
      guardrail: measure.lossMax === null ? null : guardrailOf(draft.anytime, measure.lossMax),
    }
  })
  return { sampleRatioPValue: ratio.pValue, comparisons }
}

/** What a person counts at most, before units: one cap for all variants, or they could not be compared. Null for none. */
function capIn(variants: readonly ComparedVariant[], { capShare }: ComparedMeasure): number | null {
  if (capShare === null) return null
  const people = variants.reduce((sum, { moments }) => sum + moments.people, 0)
  const cap = capOf(
    variants.map(({ tails }) => tails),
    people,
    capShare,
  )
  return Number.isFinite(cap) ? cap : null
}

function rawEstimate(variant: ComparedVariant, measure: ComparedMeasure, cap: number | null): MeanEstimate {
  const { of, per, unit } = measure
  if (per !== null) return clickThroughEstimate(ratioSumsOf(variant.moments, of, per, unit))
  if (cap === null) return meanEstimate(meanSumsOf(variant.moments, of, unit))
  const { count, y, ySquared } = knownSums(variant, measure, cap)
  return meanEstimate({ count, sum: y, sumOfSquares: ySquared })
}

/** Sums of a count and of what was known before, under a cap. */
function knownSums({ moments, tails }: ComparedVariant, { of, past, unit }: ComparedMeasure, cap: number | null): CupedSums {
  const sums = cupedSumsOf(moments, of, past ?? of)
  return inUnits(cap === null ? sums : capSums(sums, tails, cap), unit)
}

function inUnits({ y, ySquared, product, ...sums }: CupedSums, unit: number): CupedSums {
  return { ...sums, y: unit * y, ySquared: unit * unit * ySquared, product: unit * product }
}

/** Means without what the past explains, at the past that all variants together have: a lift needs a mean that is still one. */
function adjustedEstimates(
  variants: readonly ComparedVariant[],
  measure: ComparedMeasure,
  cap: number | null,
): MeanEstimate[] | null {
  if (measure.past === null) return null
  const sums = variants.map((variant) => knownSums(variant, measure, cap))
  const theta = cupedTheta(sums)
  const all = { ...sums[0]! }
  for (const other of sums.slice(1)) mergeCuped(all, other)
  const common = all.count === 0 ? 0 : (theta * all.x) / all.count
  return sums.map((own) => {
    const { mean, ...rest } = cupedEstimate(own, theta)
    return { mean: mean + common, ...rest }
  })
}

function explained(raw: MeanEstimate, adjusted: MeanEstimate): number {
  return raw.variance > 0 ? Math.min(1, Math.max(0, 1 - adjusted.variance / raw.variance)) : 0
}

function guardrailOf(lift: Difference | null, lossMax: number): 'open' | 'safe' | 'broken' {
  if (lift === null) return 'open'
  return lift.upper < -lossMax ? 'broken' : lift.lower > -lossMax ? 'safe' : 'open'
}
