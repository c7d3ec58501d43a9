import type { ArmReport, BanditReport } from './bandit-report.ts'

const width = 960
const rowHeight = 26
/** Arms of one policy that are drawn, those shown most often. */
const armsMax = 50
const margin = { left: 160, right: 200, top: 64, bottom: 40 }

/** Weighted mean and 95 % interval of each arm, best first, with its share of the decisions, as a standalone SVG document. */
export function banditPlot(reports: readonly BanditReport[]): string {
  const rows = reports.flatMap((report) => [
    { title: titleOf(report), arm: null },
    ...report.arms
      .slice(0, armsMax)
      .sort((a, b) => b.weighted.mean - a.weighted.mean)
      .map((arm) => ({ title: arm.arm, arm })),
  ])
  const most = Math.max(0.01, ...rows.map(({ arm }) => arm?.weighted.upper ?? 0))
  const x = (value: number) => margin.left + (Math.max(0, value) / most) * (width - margin.left - margin.right)
  const height = margin.top + rows.length * rowHeight + margin.bottom
  const text = (at: number, y: number, words: string, more = '') =>
    `<text x="${at.toFixed(1)}" y="${y}" fill="#1f2328"${more}>${escaped(words)}</text>`
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(16, 24, 'What the bandit learned', ' font-size="15"'),
    text(16, 42, 'Reward per showing, weighted by 1 / propensity, with 95 % intervals; at the right the share of decisions'),
  ]
  rows.forEach(({ title, arm }, n) => {
    const y = margin.top + n * rowHeight + rowHeight / 2
    if (arm === null) parts.push(text(16, y + 4, title, ' font-weight="bold"'))
    else parts.push(text(32, y + 4, title), ...marks(arm, y, x), text(width - margin.right + 16, y + 4, shareOf(arm)))
  })
  const end = height - margin.bottom + 16
  parts.push(text(x(0), end, '0'), text(x(most), end, most.toFixed(3), ' text-anchor="end"'), '</svg>')
  return `${parts.join('\n')}\n`
}

function marks({ weighted }: ArmReport, y: number, x: (value: number) => number): string[] {
  const { mean, lower, upper } = weighted
  if (Number.isNaN(mean)) return []
  const line = `<line x1="${x(lower).toFixed(1)}" y1="${y}" x2="${x(upper).toFixed(1)}" y2="${y}" stroke="#0969da" stroke-width="2"/>`
  return [line, `<circle cx="${x(mean).toFixed(1)}" cy="${y}" r="4" fill="#0969da"/>`]
}

function titleOf({ listPolicy, policy, version, segment, rewards }: BanditReport): string {
  return `${listPolicy}: ${policy} ${version}${segment === '' ? '' : `, ${segment}`} (${rewards} rewards)`
}

function shareOf({ share, decisions }: ArmReport): string {
  return `${(100 * share).toFixed(1)} % of decisions (${decisions})`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
