import type { RevenueTable } from '../operators/tables/revenue-table.ts'
import type { Labels, Metrics } from '../ports/metrics.ts'

/**
 * Shows revenue, orders, carts and what follows from them as metrics: of the shop, by surface and source, and by category. Money is in units of the
 * shop's currency. What ends in `_total` only grows; every process tells the same sums, so take the maximum of them and not their sum.
 */
export function gaugeRevenue(metrics: Metrics, table: RevenueTable): void {
  const { total } = table
  const bySource = (read: (row: RevenueTable['rows'][number]) => number) => () =>
    table.rows.map((row) => ({ value: read(row), labels: labelsOf(row) }))
  metrics.gauge('millrace_revenue_total', 'All revenue, attributed or not.', () => [{ value: total.revenue / 100 }])
  metrics.gauge('millrace_orders_total', 'Orders.', () => [{ value: total.orders }])
  metrics.gauge('millrace_average_order_value', 'Revenue per order so far.', () => ratio(total.revenue / 100, total.orders))
  metrics.gauge('millrace_carts_total', 'Times an item was put into a cart.', () => [{ value: total.carts }])
  metrics.gauge('millrace_carts_abandoned_total', 'Of these, not bought within the cart window.', () => [
    { value: total.abandoned },
  ])
  metrics.gauge('millrace_cart_abandonment_ratio', 'Abandoned carts of those that are decided, so far.', () =>
    ratio(total.abandoned, total.abandoned + total.bought),
  )
  const credited = 'Revenue credited to shown lists by surface, source and policy'
  metrics.gauge(
    'millrace_last_touch_revenue_total',
    `${credited}: all to the last touch.`,
    bySource((row) => row.lastTouch / 100),
  )
  metrics.gauge(
    'millrace_time_decayed_revenue_total',
    `${credited}: by age of all touches.`,
    bySource((row) => row.timeDecayed / 100),
  )
  metrics.gauge(
    'millrace_view_through_revenue_total',
    `${credited}: shown, not touched.`,
    bySource((row) => row.viewThrough / 100),
  )
  metrics.gauge(
    'millrace_category_revenue_total',
    'All revenue by category of what was bought; beyond 100 categories as others.',
    () => table.categories.map(({ category, revenue }) => ({ value: revenue / 100, labels: { category } })),
  )
  metrics.gauge('millrace_category_credited_revenue_total', 'Of it what was credited to shown lists that were touched.', () =>
    table.categories.map(({ category, credited }) => ({ value: credited / 100, labels: { category } })),
  )
  metrics.gauge('millrace_surface_average_order_value', 'Revenue by last touch per order of it, so far, by surface.', () =>
    table.surfaces.flatMap(({ surface, lastTouch, orders }) => ratio(lastTouch / 100, orders, { surface })),
  )
  metrics.gauge(
    'millrace_surface_cart_abandonment_ratio',
    'Abandoned carts of those decided, by the surface that led to them.',
    () => table.surfaces.flatMap(({ surface, abandoned, bought }) => ratio(abandoned, abandoned + bought, { surface })),
  )
}

function labelsOf({ surface, source, policy }: RevenueTable['rows'][number]): Labels {
  return { surface, source, policy }
}

function ratio(value: number, per: number, labels: Labels = {}): { readonly value: number; readonly labels: Labels }[] {
  return per === 0 ? [] : [{ value: value / per, labels }]
}
