import { expect, it } from 'vitest'
import { gaugeRevenue } from '../../cli/gauge-revenue.ts'
import { RevenueTable } from '../../operators/tables/revenue-table.ts'
import { type Metrics, silentMetrics } from '../../ports/metrics.ts'
import { emptyCategory, emptyRow, emptyTotal, type RevenueTile } from '../../schemas/revenue-tile.ts'

const tileMs = 1_000

function tileOf(partition: number, number: number, orders: number, source = 'session'): RevenueTile {
  const revenue = 250 * orders
  const row = { ...emptyRow({ surface: 'home', source, policy: 'learned' }), orders, lastTouch: revenue, abandoned: 1, bought: 3 }
  const total = { ...emptyTotal(), orders, revenue: 2 * revenue }
  const categories = [{ ...emptyCategory(`of ${source}`), revenue: 2 * revenue, credited: revenue }]
  return { partition, startMs: number * tileMs, tileMs, version: orders, total, rows: [row], categories }
}

function apply(table: RevenueTable, ...tiles: readonly RevenueTile[]): void {
  table.apply(tiles.map((value) => ({ value, key: `${value.partition}/${value.startMs}`, offset: 0, loggedMs: 0 })))
}

it('a newer word on a tile replaces the older one, and tasks add up', () => {
  const table = new RevenueTable()
  apply(table, tileOf(0, 1, 1), tileOf(1, 1, 10), tileOf(0, 1, 3), tileOf(0, 2, 5, 'trend'))
  expect(table.total).toMatchObject({ orders: 18, revenue: 9_000 })
  expect(table.rows.map(({ source, orders }) => [source, orders])).toEqual([
    ['session', 13],
    ['trend', 5],
  ])
  expect(table.surfaces).toMatchObject([{ surface: 'home', source: '', orders: 18, lastTouch: 4_500 }])
  expect(table.categories.map(({ category, revenue }) => [category, revenue])).toEqual([
    ['of session', 6_500],
    ['of trend', 2_500],
  ])
})

it('holds eight tiles of a task; what is said again of an older one counts once', () => {
  const table = new RevenueTable()
  for (let number = 0; number < 20; number++) apply(table, tileOf(0, number, 1), tileOf(0, number, 2))
  expect(table.total.orders).toBe(40)
  apply(table, tileOf(0, 3, 2), tileOf(0, 19, 3), tileOf(1, 3, 1))
  expect(table.total.orders).toBe(42)
})

it('tells 100 categories apart, and takes back from the others what had no room', () => {
  const table = new RevenueTable()
  const bought = (name: string, revenue: number, version: number) => ({
    ...tileOf(version, 0, 0),
    ...{ version, categories: [{ ...emptyCategory(name), revenue }] },
  })
  for (let n = 0; n < 103; n++) apply(table, bought(`c${n}`, 10, n))
  expect([table.categories.length, table.categories.at(-1)]).toMatchObject([101, { category: 'others', revenue: 30 }])
  // Tasks 2 and 102 say something else of the same tile.
  apply(table, bought('c102', 1, 2), bought('c2', 5, 102))
  expect(table.categories.at(-1)).toMatchObject({ category: 'others', revenue: 21 })
  expect(table.categories[2]).toMatchObject({ category: 'c2', revenue: 5 })
})

it('metrics tell revenue, order value and abandoned carts of the shop and by surface', () => {
  const read = new Map<string, () => Iterable<object>>()
  const metrics: Metrics = { ...silentMetrics, gauge: (name, _description, value) => void read.set(name, value) }
  const table = new RevenueTable()
  gaugeRevenue(metrics, table)
  const told = (name: string) => [...read.get(name)!()]
  expect(told('millrace_average_order_value')).toEqual([])
  apply(table, tileOf(0, 1, 4))
  expect(told('millrace_revenue_total')).toEqual([{ value: 20 }])
  expect(told('millrace_average_order_value')).toEqual([{ value: 5, labels: {} }])
  expect(told('millrace_last_touch_revenue_total')).toEqual([
    { value: 10, labels: { surface: 'home', source: 'session', policy: 'learned' } },
  ])
  expect(told('millrace_category_revenue_total')).toEqual([{ value: 20, labels: { category: 'of session' } }])
  expect(told('millrace_category_credited_revenue_total')).toEqual([{ value: 10, labels: { category: 'of session' } }])
  expect(told('millrace_surface_average_order_value')).toEqual([{ value: 2.5, labels: { surface: 'home' } }])
  expect(told('millrace_surface_cart_abandonment_ratio')).toEqual([{ value: 0.25, labels: { surface: 'home' } }])
})
