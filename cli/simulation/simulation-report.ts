import { clickThroughEstimate } from '../../algorithms/click-through.ts'
import { type MeanEstimate, normalDifference, welchDifference } from '../../algorithms/difference.ts'
import { pooledEstimate } from '../../algorithms/pooled-estimate.ts'
import { type ArmSums, type ShopResult, shopMeasures } from './arm-tally.ts'
import type { ShopArm } from './shop-arms.ts'

/** A figure with its 95 % interval; null where nothing can be said. */
export interface Figure {
  readonly value: number
  readonly interval: readonly [number, number] | null
}

/** What came of one arm, all shops together. */
export interface ArmReport extends Omit<ArmSums, 'measures'> {
  readonly arm: string
  readonly measures: Readonly<Record<string, Figure>>
}

/** first − other in one measure. */
export interface ArmDifference {
  readonly a: string
  readonly b: string
  readonly measure: string
  readonly difference: number
  readonly interval: readonly [number, number]
}

/** What is printed: the JSON of the command. */
export interface SimulationReport {
  readonly seeds: readonly string[]
  /** Of each shop: events counted, and events before them. */
  readonly events: number
  readonly warm: number
  readonly users: number
  readonly items: number
  readonly arms: readonly ArmReport[]
  readonly differences: readonly ArmDifference[]
}

/** What `--paired` adds to the differences: expected click-through over the same requests. */
export const pairedMeasure = 'pairedExpectedClickThrough'

/**
 * Pools shops: a figure is the mean over shops, a difference the mean of the differences within each shop. People are the
 * independent units (Welch; rates by the delta method).
 */
export function armReports(
  arms: readonly ShopArm[],
  shops: readonly ShopResult[],
): Pick<SimulationReport, 'arms' | 'differences'> {
  const sums = arms.map(({ label }) => shops.map((shop) => shop.arms[label]!))
  const estimates = sums.map((ofShops) =>
    shopMeasures.map(({ name, scale }) =>
      pooledEstimate(ofShops.map(({ measures }) => scaled(clickThroughEstimate(measures[name]!), scale))),
    ),
  )
  const differences = arms.slice(1).flatMap(({ label }, other) =>
    shopMeasures.flatMap(({ name }, measure): ArmDifference[] => {
      const found = welchDifference(estimates[other + 1]![measure]!, estimates[0]![measure]!)
      if (found === null) return []
      return [{ a: arms[0]!.label, b: label, measure: name, difference: found.value, interval: [found.lower, found.upper] }]
    }),
  )
  const paired = arms.slice(1).flatMap(({ label }): ArmDifference[] => {
    const pooled = pooledEstimate(shops.map((shop) => shop.paired[label]!))
    if (pooled.count < 2) return []
    const { value, interval } = figureOf(pooled)
    return [{ a: arms[0]!.label, b: label, measure: pairedMeasure, difference: value, interval: interval! }]
  })
  return {
    arms: arms.map(({ label }, n) => ({
      arm: label,
      ...totalsOf(sums[n]!),
      measures: Object.fromEntries(shopMeasures.map(({ name }, measure) => [name, figureOf(estimates[n]![measure]!)])),
    })),
    differences: [...differences, ...paired],
  }
}

function scaled({ mean, variance, count }: MeanEstimate, by: number): MeanEstimate {
  return { mean: mean * by, variance: variance * by * by, count }
}

function figureOf({ mean, variance, count }: MeanEstimate): Figure {
  if (count < 2) return { value: mean, interval: null }
  const { lower, upper } = normalDifference(mean, Math.sqrt(variance / count))
  return { value: mean, interval: [lower, upper] }
}

function totalsOf(shops: readonly ArmSums[]): Omit<ArmSums, 'measures'> {
  const totals = { visitors: 0, lists: 0, showings: 0, clicks: 0, purchases: 0, listPurchases: 0, revenue: 0 }
  for (const shop of shops) for (const field of Object.keys(totals) as (keyof typeof totals)[]) totals[field] += shop[field]
  return totals
}
