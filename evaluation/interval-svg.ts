import { niceStep } from './nice-step.ts'
import { svgText } from './svg-text.ts'

/** An estimate with a narrow and a wide interval around it, as shares. */
export interface IntervalRow {
  readonly name: string
  readonly value: number
  readonly inner: readonly [number, number]
  readonly outer: readonly [number, number]
  /** Drawn as a red mark, e.g. the loss that is borne; null for none. */
  readonly bound: number | null
}

export interface IntervalChart {
  readonly title: string
  readonly unit: string
  readonly rows: readonly IntervalRow[]
}

const width = 960
const rowHeight = 32
const margin = { left: 300, right: 40, top: 64, bottom: 40 }
/** Drawn at most, as a share: an interval without an end in sight would squeeze all others. */
const shareMax = 5

/** Estimates with their intervals, one below the other, as a standalone SVG document; values are told in per cent. */
export function intervalSvg({ title, unit, rows }: IntervalChart): string {
  const ends = rows.flatMap(({ inner, outer }) => [...inner, ...outer]).map((end) => Math.min(shareMax, Math.abs(end)))
  const most = Math.max(0.01, ...ends)
  const step = niceStep(most / 4)
  const height = margin.top + rows.length * rowHeight + margin.bottom
  const middle = (margin.left + width - margin.right) / 2
  const x = (value: number) => {
    const share = Math.min(1, Math.max(-1, value / most))
    return (middle + (share * (width - margin.left - margin.right)) / 2).toFixed(1)
  }
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="24" y="24" font-size="15" fill="#1f2328">${svgText(title)}</text>`,
    `<text x="24" y="42" fill="#57606a">${svgText(unit)}</text>`,
  ]
  for (let n = -4; n <= 4; n++) {
    const value = n * step
    if (Math.abs(value) > most) continue
    const colour = n === 0 ? '#57606a' : '#d0d7de'
    parts.push(`<line x1="${x(value)}" x2="${x(value)}" y1="${margin.top}" y2="${height - margin.bottom}" stroke="${colour}"/>`)
    parts.push(
      `<text x="${x(value)}" y="${height - margin.bottom + 18}" text-anchor="middle" fill="#57606a">${Number((100 * value).toPrecision(6))} %</text>`,
    )
  }
  rows.forEach(({ name, value, inner, outer, bound }, row) => {
    const y = margin.top + (row + 0.5) * rowHeight
    parts.push(`<text x="${margin.left - 12}" y="${y + 4}" text-anchor="end" fill="#1f2328">${svgText(name)}</text>`)
    parts.push(`<line x1="${x(outer[0])}" x2="${x(outer[1])}" y1="${y}" y2="${y}" stroke="#0969da"/>`)
    parts.push(`<line x1="${x(inner[0])}" x2="${x(inner[1])}" y1="${y}" y2="${y}" stroke="#0969da" stroke-width="5"/>`)
    if (bound !== null)
      parts.push(`<line x1="${x(bound)}" x2="${x(bound)}" y1="${y - 10}" y2="${y + 10}" stroke="#cf222e" stroke-width="2"/>`)
    parts.push(`<circle cx="${x(value)}" cy="${y}" r="5" fill="#ffffff" stroke="#0969da" stroke-width="2"/>`)
  })
  return `${parts.join('\n')}\n</svg>\n`
}
