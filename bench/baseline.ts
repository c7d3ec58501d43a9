import type { BenchResult, Figure, FigureKind } from './figure.ts'

/** What is stored of a run: ratios, which other machines share, and sizes, which are the same everywhere. */
export interface Baseline {
  readonly bench: string
  readonly machine: string
  readonly figures: readonly { readonly name: string; readonly kind: FigureKind; readonly value: number }[]
}

/** One figure held against the baseline. */
export interface Comparison {
  readonly name: string
  readonly before: number
  readonly now: number
  /** now / before. */
  readonly change: number
  readonly limit: string
  readonly ok: boolean
}

const limits: Readonly<Record<Exclude<FigureKind, 'note'>, number>> = { throughput: 0.85, latency: 1.2, memory: 1.25 }

/** The baseline of a run. Figures with neither a ceiling nor a size say nothing about another run and are left out. */
export function baselineOf({ bench, machine, figures }: BenchResult): Baseline {
  const stored = figures.flatMap((figure) => {
    const value = comparable(figure)
    return value === null ? [] : [{ name: figure.name, kind: figure.kind, value }]
  })
  return { bench, machine, figures: stored }
}

/**
 * Holds a run against a baseline: below 0.85 x throughput, above 1.2 x latency or above 1.25 x memory is not ok; nor is a figure
 * that the run no longer has. Figures that the baseline does not know pass unseen until it is stored again.
 */
export function compareRuns(baseline: Baseline, result: BenchResult): readonly Comparison[] {
  const now = new Map(baselineOf(result).figures.map(({ name, value }) => [name, value]))
  return baseline.figures.map(({ name, kind, value }) => {
    const current = now.get(name) ?? Number.NaN
    const change = current / value
    const bound = limits[kind as Exclude<FigureKind, 'note'>]
    const least = kind === 'throughput'
    return {
      name,
      before: value,
      now: current,
      change,
      limit: `${least ? '>=' : '<='} ${bound}`,
      ok: least ? change >= bound : change <= bound,
    }
  })
}

function comparable({ kind, value, ratio }: Figure): number | null {
  if (kind === 'note') return null
  return ratio ?? (kind === 'memory' ? value : null)
}
