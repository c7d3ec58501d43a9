import type { Customer, CustomerBase } from './customer-base.ts'

const dayMs = 86_400_000

/** Segments by recency and frequency (features.md F16.3); the first that fits. */
export const customerSegments = ['loyal', 'new', 'active', 'lapsing', 'lost'] as const
export type CustomerSegment = (typeof customerSegments)[number]

/** Loyal: 3 purchases, the last within 90 days. New: first purchase within 30 days. Active: within 30, lapsing: within 90, lost: longer ago. */
export function segmentOf({ firstMs, lastMs, frequency }: Customer, nowMs: number): CustomerSegment {
  const idleMs = nowMs - lastMs
  if (frequency >= 3 && idleMs <= 90 * dayMs) return 'loyal'
  if (nowMs - firstMs <= 30 * dayMs) return 'new'
  if (idleMs <= 30 * dayMs) return 'active'
  return idleMs <= 90 * dayMs ? 'lapsing' : 'lost'
}

/** One cohort: who first bought in a month, and what share of them bought again in each month after. */
export interface Cohort {
  /** `2011-03`. */
  readonly month: string
  readonly customers: number
  /** Share that bought in the n-th month after the first, n from 1, as far as the log reaches. */
  readonly retention: readonly number[]
  /** Value per customer so far. */
  readonly valuePerCustomer: number
}

/** Cohorts by the month (UTC) of the first purchase. */
export function cohortsOf(base: CustomerBase): Cohort[] {
  const endMs = base.lastMs + dayMs
  const cohorts = new Map<number, { customers: number; value: number; bought: number[] }>()
  const lastMonth = monthOf(base.lastMs)
  for (const { userId, firstMs, monetary } of base.customersAt(endMs)) {
    const month = monthOf(firstMs)
    let cohort = cohorts.get(month)
    if (!cohort) {
      cohort = { customers: 0, value: 0, bought: new Array<number>(lastMonth - month).fill(0) }
      cohorts.set(month, cohort)
    }
    cohort.customers++
    cohort.value += monetary
    for (let later = 1; later <= lastMonth - month; later++)
      if (base.boughtBetween(userId, startOf(month + later), startOf(month + later + 1)).transactions > 0)
        cohort.bought[later - 1]!++
  }
  return [...cohorts]
    .sort(([a], [b]) => a - b)
    .map(([month, { customers, value, bought }]) => ({
      month: new Date(startOf(month)).toISOString().slice(0, 7),
      customers,
      retention: bought.map((count) => count / customers),
      valuePerCustomer: value / customers,
    }))
}

/** Months since year 0. */
function monthOf(timeMs: number): number {
  const date = new Date(timeMs)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

function startOf(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12, 1)
}
