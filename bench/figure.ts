import { cpus, totalmem } from 'node:os'

/** What a figure is: decides which way is worse, and by how much a comparison lets it be worse. */
export type FigureKind = 'throughput' | 'latency' | 'memory' | 'note'

/** One measured number with the ceiling of the same run beside it. */
export interface Figure {
  /** Unique within its benchmark, kebab-case. */
  readonly name: string
  readonly kind: FigureKind
  readonly value: number
  /** Such as `events/s`, `ms`, `us`, `MiB`. */
  readonly unit: string
  /** The best this machine did in the same run at the least work that could do the job, in the same unit; null where there is none. */
  readonly ceiling: number | null
  /** value / ceiling; null without a ceiling. */
  readonly ratio: number | null
  /** `ratio >= 0.8` or `value <= 100`: what the issue asks for; null where it asks for a statement only. */
  readonly goal: string | null
}

/** What a benchmark says of a figure: its ratio follows. */
export interface FigureParts {
  readonly name: string
  readonly kind: FigureKind
  readonly value: number
  readonly unit: string
  readonly ceiling?: number
  readonly goal?: string
}

/** A benchmark's whole answer, as `--json` prints it. */
export interface BenchResult {
  readonly bench: string
  readonly machine: string
  readonly figures: readonly Figure[]
}

/** Makes a figure of its parts, rounded to four digits. Errors: a goal that cannot be read, a value that is no number. */
export function figureOf({ name, kind, value, unit, ceiling, goal }: FigureParts): Figure {
  if (!Number.isFinite(value)) throw new Error(`figure ${name}: ${value} is no number`)
  const ratio = ceiling === undefined ? null : rounded(value / ceiling)
  const figure = {
    name,
    kind,
    value: rounded(value),
    unit,
    ceiling: ceiling === undefined ? null : rounded(ceiling),
    ratio,
    goal: goal ?? null,
  }
  goalMet(figure)
  return figure
}

/** Whether a figure reaches its goal; null where there is none. */
export function goalMet({ name, goal, value, ratio }: Pick<Figure, 'name' | 'goal' | 'value' | 'ratio'>): boolean | null {
  if (goal === null) return null
  const [, subject, direction, limit] = /^(ratio|value) (>=|<=) ([\d.]+)$/.exec(goal) ?? []
  const measured = subject === 'ratio' ? ratio : value
  if (limit === undefined || measured === null)
    throw new Error(
      `figure ${name}: goal "${goal}" must be "value <= N", "value >= N", or the same of the ratio of a figure with a ceiling`,
    )
  return direction === '>=' ? measured >= Number(limit) : measured <= Number(limit)
}

/** The machine in one line: processor, cores, memory, Node.js. */
export function machineOf(): string {
  const model = cpus()[0]?.model.trim() || process.arch
  return `${cpus().length} x ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node.js ${process.versions.node}`
}

/** The table that is printed without `--json`. */
export function tableOf({ bench, machine, figures }: BenchResult): string {
  const rows = [
    ['figure', 'value', 'unit', 'ceiling', 'ratio', 'goal', ''],
    ...figures.map((figure) => [
      figure.name,
      String(figure.value),
      figure.unit,
      String(figure.ceiling ?? ''),
      String(figure.ratio ?? ''),
      figure.goal ?? '',
      { true: 'met', false: 'MISSED', null: '' }[String(goalMet(figure))]!,
    ]),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  return [`${bench} on ${machine}`, ...lines].join('\n')
}

/** The value that a share `q` of the values does not exceed (nearest rank). Errors: no values. */
export function quantile(values: ArrayLike<number>, q: number): number {
  if (values.length === 0) throw new Error('a quantile needs at least one value')
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))]!
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
