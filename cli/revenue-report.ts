import { type Difference, type MeanEstimate, welchDifference } from '../algorithms/difference.ts'
import { meanEstimate, shareEstimate } from '../algorithms/mean-sums.ts'
import { capOf, capSums } from '../algorithms/tail-sums.ts'
import { addCounts, mergeRows } from '../operators/tables/revenue-table.ts'
import type { Experiment } from '../schemas/experiment.ts'
import {
  type CategoryRevenue,
  emptyCategory,
  emptyTotal,
  type RevenueRow,
  type RevenueTile,
  type RevenueTotal,
} from '../schemas/revenue-tile.ts'
import { emptySpending, type VariantRevenue, type VariantSpending } from '../schemas/variant-revenue.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/** Share of people whose spending counts as it is. */
const capShare = 0.999
/** Money in units of the shop's currency from here on. */
const hundredths = 100

/** Of what was counted, what follows from it; null where nothing was counted. */
interface Ratios {
  readonly averageOrderValue: number | null
  /** Abandoned of the carts that are decided. */
  readonly abandonment: number | null
}

/** What lists of one surface did with items of one source. */
export interface RevenueLine extends Ratios {
  readonly surface: string
  readonly source: string
  readonly policy: string
  readonly slots: number
  readonly touched: number
  /** Orders of touched slots. */
  readonly conversion: number | null
  readonly orders: number
  readonly lastTouch: number
  readonly timeDecayed: number
  readonly viewThrough: number
  readonly carts: number
}

/** What people of one variant spent, whatever they were shown. */
export interface VariantLine {
  readonly variant: string
  readonly people: number
  /** Share who bought something, and spending per person. */
  readonly buyers: number
  readonly revenuePerPerson: number
  /** Against the reference, per person, with its interval of 95 %; null for the reference itself, or with too few people. */
  readonly difference: Pick<Difference, 'value' | 'lower' | 'upper' | 'pValue'> | null
  /** The same times the people of the variant: what it brought beyond the reference. */
  readonly incremental: Pick<Difference, 'value' | 'lower' | 'upper'> | null
  /** Share of people who bought something within 7 days of their first showing. */
  readonly conversion: WindowedMean
  /** What people spent within 30 days of it, who bought nothing included, capped at the 99.9 % rank. */
  readonly monthlySpending: WindowedMean
}

/** The mean of people who had all of a window for it. */
export interface WindowedMean {
  readonly people: number
  readonly mean: number
  /** Against the reference, with its interval; null for the reference itself, or with too few people. */
  readonly difference: Pick<Difference, 'value' | 'lower' | 'upper' | 'pValue'> | null
}

/** One experiment's spending. */
export interface ExperimentSpending {
  readonly experiment: string
  /** The variant that others are compared with: the holdout, or the control where there is none. */
  readonly reference: string
  readonly isHoldout: boolean
  /** What a person counts at most in `monthlySpending`; null while nobody has spent anything. */
  readonly cap: number | null
  readonly variants: readonly VariantLine[]
}

/** What `millrace report revenue` tells. */
export interface RevenueReport {
  readonly fromMs: number | null
  readonly toMs: number | null
  readonly total: RevenueTotal &
    Ratios & { readonly lastTouch: number; readonly timeDecayed: number; readonly viewThrough: number }
  readonly lines: readonly RevenueLine[]
  /** What was bought, credited or not, in order of revenue; `others` beyond 100 categories of a task and tile, empty without one. */
  readonly categories: readonly CategoryRevenue[]
  readonly experiments: readonly ExperimentSpending[]
}

/**
 * Reads what `attribution` told of the newest `days` days of event time: revenue by surface, source and policy, and spending by variant,
 * the latter since the beginning. Errors: those of the log.
 */
export async function readRevenue(
  ports: Pick<OpenPorts, 'log' | 'wire'>,
  experiments: readonly Experiment[],
  { days }: { readonly days: number },
): Promise<RevenueReport> {
  const tiles = new Map<string | null, RevenueTile>()
  for await (const { key, value } of readTopic(ports, 'revenue-tiles')) if (value !== null) tiles.set(key, value)
  const spending = new Map<string | null, VariantRevenue>()
  for await (const { key, value } of readTopic(ports, 'variant-revenue')) if (value !== null) spending.set(key, value)
  return revenueReport([...tiles.values()], [...spending.values()], experiments, days)
}

/** Adds up what tasks counted. */
export function revenueReport(
  tiles: readonly RevenueTile[],
  spending: readonly VariantRevenue[],
  experiments: readonly Experiment[],
  days: number,
): RevenueReport {
  const toMs = tiles.length === 0 ? null : Math.max(...tiles.map(({ startMs, tileMs }) => startMs + tileMs))
  const counted = tiles.filter(({ startMs, tileMs }) => startMs + tileMs > toMs! - days * 86_400_000)
  const total = emptyTotal()
  for (const tile of counted) addCounts(total, tile.total, 1)
  const rows = mergeRows(
    counted.flatMap((tile) => tile.rows),
    (row) => row,
  )
  const lines = rows.map(lineOf).sort((a, b) => b.lastTouch - a.lastTouch || b.viewThrough - a.viewThrough)
  const sum = (of: 'lastTouch' | 'timeDecayed' | 'viewThrough') => lines.reduce((all, line) => all + line[of], 0)
  return {
    fromMs: counted.length === 0 ? null : Math.min(...counted.map(({ startMs }) => startMs)),
    toMs,
    total: {
      ...total,
      revenue: total.revenue / hundredths,
      ...ratiosOf(total, total.revenue),
      lastTouch: sum('lastTouch'),
      timeDecayed: sum('timeDecayed'),
      viewThrough: sum('viewThrough'),
    },
    lines,
    categories: categoriesOf(counted),
    experiments: experiments.flatMap((experiment) => spendingOf(experiment, spending)),
  }
}

function categoriesOf(tiles: readonly RevenueTile[]): CategoryRevenue[] {
  const merged = new Map<string, CategoryRevenue>()
  for (const one of tiles.flatMap(({ categories }) => categories)) {
    const sum = merged.get(one.category) ?? emptyCategory(one.category)
    addCounts(sum, one, 1)
    merged.set(one.category, sum)
  }
  return Array.from(merged.values(), ({ category, purchases, revenue, lastTouch, timeDecayed, viewThrough }) => ({
    category,
    purchases,
    revenue: revenue / hundredths,
    lastTouch: lastTouch / hundredths,
    timeDecayed: timeDecayed / hundredths,
    viewThrough: viewThrough / hundredths,
  })).sort((a, b) => b.revenue - a.revenue)
}

function lineOf(row: RevenueRow): RevenueLine {
  const { surface, source, policy, slots, touched, orders, carts } = row
  return {
    surface,
    source,
    policy,
    slots,
    touched,
    conversion: touched === 0 ? null : orders / touched,
    orders,
    lastTouch: row.lastTouch / hundredths,
    timeDecayed: row.timeDecayed / hundredths,
    viewThrough: row.viewThrough / hundredths,
    carts,
    ...ratiosOf(row, row.lastTouch),
  }
}

function ratiosOf(counts: Pick<RevenueRow, 'orders' | 'bought' | 'abandoned'>, revenue: number): Ratios {
  const decided = counts.bought + counts.abandoned
  return {
    averageOrderValue: counts.orders === 0 ? null : revenue / hundredths / counts.orders,
    abandonment: decided === 0 ? null : counts.abandoned / decided,
  }
}

function spendingOf(experiment: Experiment, spending: readonly VariantRevenue[]): ExperimentSpending[] {
  const own = spending.filter((one) => one.experiment === experiment.id).flatMap(({ variants }) => variants)
  if (own.length === 0) return []
  const reference = experiment.holdout ?? experiment.control
  const sums = experiment.variants.map(({ name }) => variantSums(name, own))
  const cap = monthlyCap(sums)
  const compared = (estimateOf: (sum: VariantSpending) => MeanEstimate) => {
    const against = estimateOf(sums.find(({ variant }) => variant === reference)!)
    return (sum: VariantSpending): WindowedMean => {
      const estimate = estimateOf(sum)
      const difference = sum.variant === reference ? null : welchDifference(against, estimate, { alpha: experiment.alpha })
      return { people: estimate.count, mean: estimate.mean, difference }
    }
  }
  const spendingSince = compared(moneyOf)
  const conversionOf = compared(({ weekBuyers, weekPeople }) => shareEstimate(weekBuyers, weekPeople))
  const monthOf = compared((sum) => monthlyMoney(sum, cap))
  const variants = sums.map((sum): VariantLine => {
    const { people, mean, difference } = spendingSince(sum)
    const all = (perPerson: number) => perPerson * people
    return {
      variant: sum.variant,
      people,
      buyers: shareEstimate(sum.buyers, people).mean,
      revenuePerPerson: mean,
      difference,
      incremental: difference && {
        value: all(difference.value),
        lower: all(difference.lower),
        upper: all(difference.upper),
      },
      conversion: conversionOf(sum),
      monthlySpending: monthOf(sum),
    }
  })
  return [
    {
      experiment: experiment.id,
      reference,
      isHoldout: experiment.holdout !== null,
      cap: Number.isFinite(cap) ? cap / hundredths : null,
      variants,
    },
  ]
}

function variantSums(name: string, all: readonly VariantSpending[]): VariantSpending {
  const sum = emptySpending(name)
  for (const one of all) {
    if (one.variant !== name) continue
    addCounts(sum, one, 1)
    sum.monthTails.push(...one.monthTails)
  }
  return sum
}

function moneyOf({ people, revenue, revenueSquared }: VariantSpending): MeanEstimate {
  return meanEstimate({ count: people, sum: revenue / hundredths, sumOfSquares: revenueSquared / hundredths ** 2 })
}

/** In hundredths; Infinity while it caps nobody. */
function monthlyCap(sums: readonly VariantSpending[]): number {
  const people = sums.reduce((total, { monthPeople }) => total + monthPeople, 0)
  return capOf(
    sums.map(({ monthTails }) => monthTails),
    people,
    capShare,
  )
}

function monthlyMoney(
  { monthPeople, monthRevenue, monthRevenueSquared, monthTails }: VariantSpending,
  cap: number,
): MeanEstimate {
  const plain = { count: monthPeople, y: monthRevenue, ySquared: monthRevenueSquared, x: 0, xSquared: 0, product: 0 }
  const { count, y, ySquared } = capSums(plain, monthTails, cap)
  return meanEstimate({ count, sum: y / hundredths, sumOfSquares: ySquared / hundredths ** 2 })
}
