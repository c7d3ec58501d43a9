import { svgText } from './svg-text.ts'
import { linearAxis, logarithmicAxis } from './value-axis.ts'

/** One line of a chart: a value per step, null where there is none. */
export interface CurveLine {
  readonly name: string
  readonly values: readonly (number | null)[]
  /** Lower and upper end of each value, drawn as a band; needs all values. */
  readonly band?: readonly (readonly [number, number])[]
}

export interface CurveChart {
  readonly title: string
  /** What the values are, e.g. `MRR@20`. */
  readonly unit: string
  /** Start of each step, ms; at least one. */
  readonly timesMs: readonly number[]
  readonly lines: readonly CurveLine[]
  /** What the axis says at a place; the time in UTC if absent. */
  readonly tick?: (at: number) => string
  /** Whether values stand by their logarithms: for lines of very different size, all above 0 (false). */
  readonly isLogarithmic?: boolean
}

const width = 960
/** From the top to the axis. */
const plotHeight = 348
const margin = { left: 64, right: 24, top: 48, bottom: 36 }
const colours = [
  '#0969da',
  '#cf222e',
  '#1a7f37',
  '#8250df',
  '#bc4c00',
  '#57606a',
  '#bf3989',
  '#0a3069',
  '#d4a72c',
  '#1b7c83',
  '#7f5539',
  '#24292f',
]
const legend = { perRow: 4, rowHeight: 20 }

/** A chart of lines over time as a standalone SVG document. */
export function curveSvg({ title, unit, timesMs, lines, tick = timeTick, isLogarithmic = false }: CurveChart): string {
  const height = plotHeight + margin.bottom + legend.rowHeight * Math.ceil(lines.length / legend.perRow)
  const drawn = lines.flatMap(({ values, band }) => [
    ...values.map((value) => value ?? 0),
    ...(band ?? []).map(([, high]) => high),
  ])
  const axis = isLogarithmic ? logarithmicAxis(drawn) : linearAxis(drawn)
  const first = timesMs[0] ?? 0
  const span = Math.max(1, (timesMs.at(-1) ?? 1) - first)
  const x = (timeMs: number) => margin.left + ((timeMs - first) / span) * (width - margin.left - margin.right)
  const y = (value: number) => plotHeight - axis.shareOf(value) * (plotHeight - margin.top)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${margin.left}" y="24" font-size="15" fill="#1f2328">${svgText(title)}</text>`,
    `<text x="${margin.left}" y="40" fill="#57606a">${svgText(unit)}</text>`,
  ]
  for (const mark of axis.marks) {
    const at = y(mark).toFixed(1)
    parts.push(`<line x1="${margin.left}" y1="${at}" x2="${width - margin.right}" y2="${at}" stroke="#d0d7de"/>`)
    parts.push(`<text x="${margin.left - 8}" y="${at}" dy="4" text-anchor="end" fill="#57606a">${trimmed(mark)}</text>`)
  }
  for (let n = 0; n <= 6; n++) {
    const timeMs = first + (span * n) / 6
    parts.push(
      `<text x="${x(timeMs).toFixed(1)}" y="${plotHeight + 18}" text-anchor="middle" fill="#57606a">${svgText(tick(timeMs))}</text>`,
    )
  }
  const colourOf = (n: number) => colours[n % colours.length]!
  // Bands lie under every line.
  lines.forEach(({ band }, n) => {
    if (band) parts.push(`<path d="${bandPath(band, timesMs, x, y)}" fill="${colourOf(n)}" fill-opacity="0.12"/>`)
  })
  lines.forEach(({ name, values }, n) => {
    parts.push(`<path d="${pathOf(values, timesMs, x, y)}" fill="none" stroke="${colourOf(n)}" stroke-width="1.5"/>`)
    const left = margin.left + (n % legend.perRow) * 220
    const line = plotHeight + margin.bottom + Math.floor(n / legend.perRow) * legend.rowHeight
    parts.push(`<rect x="${left}" y="${line}" width="12" height="12" fill="${colourOf(n)}"/>`)
    parts.push(`<text x="${left + 18}" y="${line + 10}" fill="#1f2328">${svgText(name)}</text>`)
  })
  return `${parts.join('\n')}\n</svg>\n`
}

function timeTick(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(5, 16).replace('T', ' ')
}

/** A line that lifts the pen where there is no value. */
function pathOf(
  values: CurveLine['values'],
  timesMs: readonly number[],
  x: (timeMs: number) => number,
  y: (value: number) => number,
): string {
  let path = ''
  let down = false
  values.forEach((value, n) => {
    if (value !== null) path += `${down ? 'L' : 'M'}${x(timesMs[n]!).toFixed(1)} ${y(value).toFixed(1)}`
    down = value !== null
  })
  return path
}

/** Along the lower ends and back along the upper ones. */
function bandPath(
  band: readonly (readonly [number, number])[],
  timesMs: readonly number[],
  x: (timeMs: number) => number,
  y: (value: number) => number,
): string {
  const corners = band.map(([low], n) => `${x(timesMs[n]!).toFixed(1)} ${y(low).toFixed(1)}`)
  const back = band.map(([, high], n) => `${x(timesMs[n]!).toFixed(1)} ${y(high).toFixed(1)}`).reverse()
  return `M${[...corners, ...back].join('L')}Z`
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(6)))
}
