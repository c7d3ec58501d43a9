import { categoriesMax, otherCategories } from '../schemas/revenue-tile.ts'
import type { ExperimentSpending, WindowedMean } from './experiment-spending.ts'
import { printTable } from './print.ts'
import type { RevenueReport } from './revenue-report.ts'
import type { SegmentReport } from './segment-report.ts'

/** Prints the report of revenue for people; of its lines the first `linesMax`, policies apart. */
export function wordRevenue(report: RevenueReport, linesMax: number): void {
  const { fromMs, toMs, total, lines, categories, experiments } = report
  if (fromMs === null || toMs === null) {
    console.log('nothing was counted yet: `attribution` tells what event time has passed')
    return
  }
  const { orders, purchases, carts, bought, abandoned, abandonment, unpriced } = total
  console.log(
    `${day(fromMs)} to ${day(toMs - 1)}: ${money(total.revenue)} in ${orders} orders of ${money(total.averageOrderValue)}`,
  )
  console.log(`  ${purchases} purchases, ${unpriced} of them without a price; ${total.lists} lists shown`)
  console.log(
    `  ${carts} carts: ${bought} bought, ${abandoned} abandoned (${percent(abandonment)} of these), ${carts - bought - abandoned} open`,
  )
  console.log(
    `  credited to lists by last touch ${money(total.lastTouch)} (${percent(total.revenue === 0 ? null : total.lastTouch / total.revenue)}), and apart from it to what was only seen ${money(total.viewThrough)}\n`,
  )
  printTable(
    ['surface', 'source', 'policy', 'slots', 'touched', 'orders', 'each', 'last touch', 'by age', 'only seen', 'abandoned'],
    lines
      .slice(0, linesMax)
      .map((line) => [
        line.surface,
        line.source,
        line.policy,
        line.slots,
        line.touched,
        line.orders,
        money(line.averageOrderValue),
        money(line.lastTouch),
        money(line.timeDecayed),
        money(line.viewThrough),
        percent(line.abandonment),
      ]),
    'no list was shown',
  )
  wordCategories(categories, linesMax)
  for (const experiment of experiments) wordSpending(experiment)
}

function wordCategories(categories: RevenueReport['categories'], linesMax: number): void {
  console.log('')
  printTable(
    ['bought of', 'purchases', 'revenue', 'credited', 'only seen'],
    categories
      .slice(0, linesMax)
      .map(({ category, purchases, revenue, credited, viewThrough }) => [
        category === '' ? 'no category' : category,
        purchases,
        money(revenue),
        money(credited),
        money(viewThrough),
      ]),
    'nothing was bought',
  )
  if (categories.some(({ category }) => category === otherCategories))
    console.log(`${otherCategories}: of each task and day the categories after the first ${categoriesMax}`)
  if (categories.length > linesMax) console.log(`${categories.length - linesMax} more with --json`)
}

function wordSpending({ experiment, reference, isHoldout, cap, variants }: ExperimentSpending): void {
  console.log(
    `\n${experiment}: all that people spent since their first list, against ${isHoldout ? 'the holdout' : 'the control'} ${reference}`,
  )
  printTable(
    ['variant', 'people', 'bought', 'per person', `more than ${reference}`, 'in all'],
    variants.map(({ variant, people, buyers, revenuePerPerson, difference, incremental }) => [
      variant,
      people,
      percent(buyers),
      money(revenuePerPerson),
      difference && wordInterval(difference),
      incremental && wordInterval(incremental),
    ]),
    '',
  )
  const conversions = variants.map(({ conversion }) => conversion.people)
  if (Math.max(...conversions) === 0) {
    console.log('  nobody has had 7 days yet since their first list')
    return
  }
  console.log('  of people who have had so many days since their first list:')
  printTable(
    ['variant', 'in', 'people', '', `more than ${reference}`],
    variants.flatMap(({ variant, conversion, retention, monthlySpending }) => [
      [variant, '7 days: bought', ...wordWindow(conversion, percent)],
      [variant, 'days 22 to 28: came back', ...wordWindow(retention, percent)],
      [variant, '30 days: spent', ...wordWindow(monthlySpending, money)],
    ]),
    '',
  )
  if (cap !== null) console.log(`  who spent more than ${money(cap)} in 30 days counts as ${money(cap)}`)
}

function wordWindow({ people, mean, difference }: WindowedMean, word: (value: number | null) => string) {
  return [people, word(people === 0 ? null : mean), difference && wordInterval(difference, word)]
}

/** Prints segments and the newest cohorts for people. */
export function wordSegments({ people, segments, cohorts }: SegmentReport, linesMax: number): void {
  console.log(`${people} people\n`)
  const brought = ['people', 'buyers', 'orders', 'revenue', 'per person']
  printTable(
    ['segment', ...brought],
    segments.map((one) => [one.segment, ...broughtOf(one)]),
    '',
  )
  console.log('')
  printTable(
    ['came in', ...brought, 'gone'],
    cohorts.slice(-linesMax).map((one) => [one.week, ...broughtOf(one), percent(one.gone)]),
    'nobody has done anything yet',
  )
}

function broughtOf({ people, buyers, orders, revenue }: SegmentReport['segments'][number] | SegmentReport['cohorts'][number]) {
  return [people, buyers, orders, money(revenue), money(people === 0 ? null : revenue / people)]
}

function wordInterval(
  { value, lower, upper }: { readonly value: number; readonly lower: number; readonly upper: number },
  word: (value: number) => string = money,
): string {
  return `${word(value)} (${word(lower)} … ${word(upper)})`
}

function money(value: number | null): string {
  return value === null ? '–' : value.toFixed(2)
}

function percent(share: number | null): string {
  return share === null ? '–' : `${(100 * share).toFixed(1)} %`
}

function day(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}
