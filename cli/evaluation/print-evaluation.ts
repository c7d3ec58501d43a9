import type { Evaluation } from '../../evaluation/evaluate.ts'
import { printTable } from '../print.ts'

/** What is printed: the JSON of the command. */
export interface EvaluationReport extends Evaluation {
  readonly data: string
  readonly protocol: string
  readonly events: number
}

/** Tables for people: the measures of each algorithm, then each pair. */
export function printEvaluation(report: EvaluationReport): void {
  const { data, protocol, events, questions, askable, cold, unknown, convention, results, paired } = report
  const asked = questions === askable ? `${questions} questions` : `${questions} of ${askable} questions, drawn by chance`
  console.log(`${data}, ${protocol}: ${events} events, ${asked}`)
  console.log(`${cold} events not asked (nothing known yet), ${unknown} questions nobody can answer (items never seen before)`)
  console.log(`${convention}\n`)
  const names = [...new Set(results.flatMap(({ metrics }) => Object.keys(metrics)))]
  printTable(
    ['', ...results.map(({ algorithm }) => algorithm)],
    [
      ...names.flatMap((name) => {
        const row = [name, ...results.map(({ metrics }) => metrics[name]?.toFixed(4))]
        const intervals = results.map(({ intervals }) => intervals[name])
        if (intervals.includes(undefined)) return [row]
        return [row, ['  95 %', ...intervals.map((interval) => interval!.map((end) => end.toFixed(4)).join('–'))]]
      }),
      ['p50 µs', ...results.map(({ latencyMicros }) => latencyMicros.p50.toFixed(1))],
      ['p99 µs', ...results.map(({ latencyMicros }) => latencyMicros.p99.toFixed(1))],
    ],
    '',
  )
  for (const { algorithm, settings } of results) {
    const text = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
    if (text.length > 0) console.log(`${algorithm}: ${text.join(' ')}`)
  }
  if (paired.length === 0) return
  console.log('')
  // Many algorithms make many pairs: then the first measure is enough for people; JSON has all.
  const shown = results.length > 3 ? paired.filter(({ metric }) => metric === paired[0]!.metric) : paired
  printTable(
    ['pair', 'measure', 'difference', '95 % interval'],
    shown.map(({ a, b, metric, difference, interval }) => [
      `${a} − ${b}`,
      metric,
      signed(difference),
      `${signed(interval[0])} … ${signed(interval[1])}`,
    ]),
    '',
  )
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`
}
