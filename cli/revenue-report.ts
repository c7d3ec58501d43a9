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
import type { VariantRevenue } from '../schemas/variant-revenue.ts'
import type { OpenPorts } from './compose.ts'
import { type ExperimentSpending, experimentSpending } from './experiment-spending.ts'
import { readTopic } from './read-topic.ts'

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
    experiments: experiments.flatMap((experiment) => experimentSpending(experiment, spending)),
  }
}

function categoriesOf(tiles: readonly RevenueTile[]): CategoryRevenue[] {
  const merged = new Map<string, CategoryRevenue>()
  for (const one of tiles.flatMap(({ categories }) => categories)) {
    const sum = merged.get(one.category) ?? emptyCategory(one.category)
    addCounts(sum, one, 1)
    merged.set(one.category, sum)
  }
  return Array.from(merged.values(), ({ category, purchases, revenue, credited, viewThrough }) => ({
    category,
    purchases,
    revenue: revenue / hundredths,
    credited: credited / hundredths,
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
