import { clickThroughEstimate } from '../../algorithms/click-through.ts'
import { type MeanEstimate, normalDifference, welchDifference } from '../../algorithms/difference.ts'
import { pooledEstimate } from '../../algorithms/pooled-estimate.ts'
import { studentCritical } from '../../algorithms/student-t.ts'
import { type ArmSums, pairedMeasures, type ShopResult, shopMeasures } from './arm-tally.ts'
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
  /** Over people, within these shops. */
  readonly interval: readonly [number, number]
  /** Of paired measures: over shops, by Student's t, as of shops to come; null of one shop. */
  readonly shopInterval?: readonly [number, number] | null
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

/**
 * Pools shops: a figure is the mean over shops, a difference the mean of the differences within each shop. People are the
 * independent units (Welch; rates by the delta method); paired differences are also held against those of other shops.
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
  const paired = arms.slice(1).flatMap(({ label }) =>
    pairedMeasures.flatMap(({ name }, measure): ArmDifference[] => {
      const ofShops = shops.map((shop) => shop.paired[label]![measure]!)
      const pooled = pooledEstimate(ofShops)
      if (pooled.count < 2) return []
      const { value, interval } = figureOf(pooled)
      const shopInterval = overShops(ofShops.map(({ mean }) => mean))
      return [{ a: arms[0]!.label, b: label, measure: name, difference: value, interval: interval!, shopInterval }]
    }),
  )
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

/** Mean of the shops with what varies between them, 95 %. */
function overShops(values: readonly number[]): readonly [number, number] | null {
  const count = values.length
  if (count < 2) return null
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)
  const half = studentCritical(0.05, count - 1) * Math.sqrt(variance / count)
  return [mean - half, mean + half]
}

function totalsOf(shops: readonly ArmSums[]): Omit<ArmSums, 'measures'> {
  const totals = { visitors: 0, lists: 0, showings: 0, clicks: 0, purchases: 0, listPurchases: 0, revenue: 0 }
  for (const shop of shops) for (const field of Object.keys(totals) as (keyof typeof totals)[]) totals[field] += shop[field]
  return totals
}
