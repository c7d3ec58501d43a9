import { MillraceError } from '../../core/errors.ts'
import { CustomerBase } from '../../evaluation/value/customer-base.ts'
import {
  type Cohort,
  type CustomerSegment,
  cohortsOf,
  customerSegments,
  segmentOf,
} from '../../evaluation/value/customer-segments.ts'
import { judgeValue, type ValueJudgement } from '../../evaluation/value/judge-value.ts'
import type { GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { dataFilesOf } from './data-files.ts'

export interface EvaluateValueFlags extends GlobalFlags {
  readonly data: string
  readonly format: 'events' | 'online-retail'
  readonly 'held-back': number
  readonly seed: number
}

/** What a segment brought so far. */
interface SegmentSummary {
  readonly segment: CustomerSegment
  readonly customers: number
  readonly value: number
}

/** Reads purchases, prints segments, cohorts and how well value was predicted. */
export async function runValueEvaluation(flags: EvaluateValueFlags): Promise<void> {
  const base = await readCustomers(flags)
  const judgement = judgeValue(base, flags['held-back'], flags.seed)
  const segments = segmentsOf(base)
  const cohorts = cohortsOf(base)
  if (flags.json) printJson({ data: flags.data, customers: base.size, segments, cohorts, prediction: judgement })
  else print(base, segments, cohorts, judgement)
}

async function readCustomers({ data, format }: EvaluateValueFlags): Promise<CustomerBase> {
  const base = new CustomerBase()
  for (const { file, format: reader, options } of await dataFilesOf(format, data)) {
    // Who has no name cannot come again.
    const reading = reader.read(file, { ...options, sortRowsMax: Number.MAX_SAFE_INTEGER, anonymous: 'skip' })
    for await (const { records } of reading.batches)
      for (const record of records) if (record.topic === 'user-events') base.add(record.value)
  }
  if (base.size === 0) throw new MillraceError('MILL_IMPORT_INVALID', `"${data}" holds no purchase with a price`)
  return base
}

function segmentsOf(base: CustomerBase): SegmentSummary[] {
  const customers = base.customersAt(base.lastMs + 1)
  return customerSegments.map((segment) => {
    const own = customers.filter((customer) => segmentOf(customer, base.lastMs) === segment)
    return { segment, customers: own.length, value: own.reduce((sum, { monetary }) => sum + monetary, 0) }
  })
}

function print(
  base: CustomerBase,
  segments: readonly SegmentSummary[],
  cohorts: readonly Cohort[],
  { customers, repeaters, heldBackDays, predictions, paired }: ValueJudgement,
): void {
  const day = (timeMs: number) => new Date(timeMs).toISOString().slice(0, 10)
  console.log(`${base.size} customers, ${day(base.firstMs)} to ${day(base.lastMs)}\n`)
  printTable(
    ['segment', 'customers', 'value so far'],
    segments.map(({ segment, customers: count, value }) => [segment, count, value.toFixed(0)]),
    '',
  )
  console.log('')
  printTable(
    ['cohort', 'customers', 'value each', 'bought again in month 1, 2, …'],
    cohorts.map(({ month, customers: count, valuePerCustomer, retention }) => [
      month,
      count,
      valuePerCustomer.toFixed(0),
      retention.map((share) => `${(100 * share).toFixed(0)} %`).join('  '),
    ]),
    '',
  )
  console.log(`\nthe last ${heldBackDays} days predicted for ${customers} customers, ${repeaters} of whom had come again before`)
  printTable(
    ['prediction', 'error in purchases', 'error in value', 'purchases / real', 'value / real', 'top tenth brought'],
    predictions.map((one) => [
      one.name,
      one.maeTransactions.toFixed(3),
      one.maeValue.toFixed(1),
      one.totalTransactions.toFixed(3),
      one.totalValue.toFixed(3),
      `${(100 * one.topTenthShare).toFixed(1)} %`,
    ]),
    '',
  )
  const [low, high] = paired.interval
  console.log(
    `mean absolute error of value against "${paired.against}": ${paired.difference.toFixed(1)} (${low.toFixed(1)} … ${high.toFixed(1)})`,
  )
}
