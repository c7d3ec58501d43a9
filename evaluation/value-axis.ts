import { niceStep } from './nice-step.ts'

/** An axis from the bottom up. */
export interface ValueAxis {
  /** Values that are marked, ascending. */
  readonly marks: readonly number[]
  /** How high a value stands, 0–1; what lies outside of the axis stands at its end. */
  shareOf(value: number): number
}

/** From 0 to above the largest of `values`; about five marks. */
export function linearAxis(values: readonly number[]): ValueAxis {
  const most = Math.max(1e-9, ...values)
  const step = niceStep(most / 5)
  const count = Math.ceil(most / step)
  const marks = Array.from({ length: count + 1 }, (_, n) => n * step)
  return { marks, shareOf: (value) => within(value / (count * step)) }
}

/** Around those of `values` that are above 0; marked, and ending, at 1, 2 and 5 times powers of ten. */
export function logarithmicAxis(values: readonly number[]): ValueAxis {
  const logarithms = values.filter((value) => value > 0).map(Math.log10)
  const [from, to] = logarithms.length === 0 ? [0, 1] : [Math.min(...logarithms), Math.max(...logarithms)]
  const powers = Array.from({ length: Math.ceil(to) - Math.floor(from) + 1 }, (_, n) => Math.floor(from) + n)
  const all = powers.flatMap((power) => [1, 2, 5].map((times) => times * 10 ** power))
  const first = all.findLastIndex((mark) => Math.log10(mark) <= from)
  const last = all.findIndex((mark, n) => n > first && Math.log10(mark) >= to)
  const marks = all.slice(first, last + 1)
  const span = Math.log10(marks.at(-1)! / marks[0]!)
  return { marks, shareOf: (value) => (value > 0 ? within(Math.log10(value / marks[0]!) / span) : 0) }
}

function within(share: number): number {
  return Math.min(1, Math.max(0, share))
}
