import { moveTail } from '../algorithms/tail-sums.ts'
import type { ShopperState, SpendingExposure } from '../schemas/revenue-state.ts'
import { conversionDays, retentionDays, spendingDays } from '../schemas/variant-revenue.ts'
import type { RevenueSums } from './revenue-sums.ts'

const dayMs = 86_400_000
const conversionMs = conversionDays * dayMs
const spendingMs = spendingDays * dayMs
const retentionMs = { from: retentionDays.from * dayMs, to: retentionDays.to * dayMs }

/** When somebody's first 7, 28 and 30 days in each experiment end, ms. */
export function firstDaysEnds(exposures: readonly SpendingExposure[]): number[] {
  return exposures.flatMap(({ sinceMs }) => [sinceMs + conversionMs, sinceMs + retentionMs.to, sinceMs + spendingMs])
}

/**
 * Counts somebody whose first 7, 28 or 30 days in an experiment end at `atMs` (features.md F11.13, F11.16 and F11.14). To be called when all
 * up to then is folded and nothing after it: what they did since their first showing is then what they did in these days, both ends included.
 */
export function countFirstDays({ exposures, lastMs }: ShopperState, atMs: number, sums: RevenueSums): void {
  for (const { experiment, variant, sinceMs, purchases, cents } of exposures) {
    if (sinceMs + conversionMs === atMs) {
      const spending = sums.variant(experiment, variant)
      spending.weekPeople++
      if (purchases > 0) spending.weekBuyers++
    }
    if (sinceMs + retentionMs.to === atMs) {
      const spending = sums.variant(experiment, variant)
      spending.fourWeeksPeople++
      if (lastMs >= sinceMs + retentionMs.from) spending.retained++
    }
    if (sinceMs + spendingMs === atMs) {
      const spending = sums.variant(experiment, variant)
      spending.monthPeople++
      spending.monthRevenue += cents
      spending.monthRevenueSquared += cents ** 2
      moveTail(spending.monthTails, null, cents, 0)
    }
  }
}
