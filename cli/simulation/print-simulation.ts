import { printTable } from '../print.ts'
import { pairedMeasures } from './arm-tally.ts'
import type { ArmReport, SimulationReport } from './simulation-report.ts'

/** Measures of the table for people; JSON has all. */
const columns = [
  { measure: 'clickThrough', title: 'click-through %', scale: 100, digits: 2 },
  { measure: 'listPurchasesPerThousand', title: 'purchases per 1,000 shown', scale: 1, digits: 2 },
  { measure: 'expectedPurchasesPerThousand', title: 'expected', scale: 1, digits: 2 },
  { measure: 'purchasesPerVisitor', title: 'purchases per visitor', scale: 1, digits: 3 },
  { measure: 'revenuePerVisitor', title: 'revenue per visitor', scale: 1, digits: 1 },
] as const

/** Two tables for people: each arm, then the first arm less each other one. */
export function printSimulation({ seeds, events, warm, users, items, arms, differences }: SimulationReport): void {
  const shops = `${seeds.length} ${seeds.length === 1 ? 'shop' : 'shops'} of ${users} people and ${items} items`
  console.log(`${shops}, ${events} events each after ${warm} that are not counted; 95 % intervals over people\n`)
  printTable(
    ['', 'visitors', 'lists', 'clicks', 'purchases', ...columns.map(({ title }) => title)],
    arms.map((arm) => [
      ...[arm.arm, arm.visitors, arm.lists, arm.clicks, arm.listPurchases],
      ...columns.map((column) => figureText(arm, column)),
    ]),
    '',
  )
  console.log('')
  const [clicks, purchases] = pairedMeasures
  const paired = [
    { ...columns[0], measure: clicks.name, title: 'paired, expected %' },
    { ...columns[1], measure: purchases.name, title: 'paired, expected purchases per 1,000' },
  ]
  const compared = differences.some(({ measure }) => measure === clicks.name) ? [...paired, ...columns] : columns
  printTable(
    [`${arms[0]!.arm} −`, ...compared.map(({ title }) => title)],
    arms.slice(1).map(({ arm }) => [
      arm,
      ...compared.map(({ measure, scale, digits }) => {
        const found = differences.find((one) => one.b === arm && one.measure === measure)
        if (found === undefined) return undefined
        const text = (value: number) => signed(value * scale, digits)
        const over = found.shopInterval ? `; over shops ${found.shopInterval.map(text).join(' … ')}` : ''
        return `${text(found.difference)} (${found.interval.map(text).join(' … ')}${over})`
      }),
    ]),
    'one arm: nothing to compare',
  )
}

function figureText({ measures }: ArmReport, { measure, scale, digits }: (typeof columns)[number]): string {
  return (measures[measure]!.value * scale).toFixed(digits)
}

function signed(value: number, digits: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`
}
