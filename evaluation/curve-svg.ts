/** One line of a chart: a value per step, null where there is none. */
export interface CurveLine {
  readonly name: string
  readonly values: readonly (number | null)[]
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
}

const width = 960
const height = 420
const margin = { left: 64, right: 24, top: 48, bottom: 72 }
const colours = ['#0969da', '#cf222e', '#1a7f37', '#8250df', '#bc4c00', '#57606a', '#bf3989', '#0a3069']

/** A chart of lines over time as a standalone SVG document. */
export function curveSvg({ title, unit, timesMs, lines, tick = timeTick }: CurveChart): string {
  const most = Math.max(1e-9, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const step = niceStep(most / 5)
  const top = Math.ceil(most / step) * step
  const first = timesMs[0] ?? 0
  const span = Math.max(1, (timesMs.at(-1) ?? 1) - first)
  const x = (timeMs: number) => margin.left + ((timeMs - first) / span) * (width - margin.left - margin.right)
  const y = (value: number) => height - margin.bottom - (value / top) * (height - margin.top - margin.bottom)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${margin.left}" y="24" font-size="15" fill="#1f2328">${escaped(title)}</text>`,
    `<text x="${margin.left}" y="40" fill="#57606a">${escaped(unit)}</text>`,
  ]
  for (let n = 0; n * step <= top + step / 2; n++) {
    const at = y(n * step).toFixed(1)
    parts.push(`<line x1="${margin.left}" y1="${at}" x2="${width - margin.right}" y2="${at}" stroke="#d0d7de"/>`)
    parts.push(`<text x="${margin.left - 8}" y="${at}" dy="4" text-anchor="end" fill="#57606a">${trimmed(n * step)}</text>`)
  }
  for (let n = 0; n <= 6; n++) {
    const timeMs = first + (span * n) / 6
    parts.push(
      `<text x="${x(timeMs).toFixed(1)}" y="${height - margin.bottom + 18}" text-anchor="middle" fill="#57606a">${escaped(tick(timeMs))}</text>`,
    )
  }
  lines.forEach(({ name, values }, n) => {
    const colour = colours[n % colours.length]!
    parts.push(`<path d="${pathOf(values, timesMs, x, y)}" fill="none" stroke="${colour}" stroke-width="1.5"/>`)
    const at = margin.left + n * 220
    parts.push(`<rect x="${at}" y="${height - 24}" width="12" height="12" fill="${colour}"/>`)
    parts.push(`<text x="${at + 18}" y="${height - 14}" fill="#1f2328">${escaped(name)}</text>`)
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

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= least) ?? 10 * power
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(6)))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
