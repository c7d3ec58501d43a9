import type { Catalogue } from '../catalogue.ts'
import { trendScoreOf } from '../trend.ts'
import { weekIndexAt } from '../week-hours.ts'
import { logCount } from './log-count.ts'
import type { RankerColumn } from './ranker-column.ts'

/** What schema 3 says of an item at the moment of the list, in the order in which `writeMomentColumns` writes them. */
export const momentColumns = [
  {
    name: 'release_age',
    meaning: 'ln(1 + days since it came out) / 10, as many below 0 before; 0 where unknown',
    range: [-1, 1],
  },
  { name: 'release_known', meaning: '1 if it is known when it came out', range: [0, 1] },
  {
    name: 'category_hour',
    meaning: 'ln of how busy its last-level category is in this hour of the week (F16.9; 8 weeks, UTC), / 3; 0 where unknown',
    range: [-1, 1],
  },
  { name: 'category_hour_known', meaning: '1 if the category has been heard of for a week', range: [0, 1] },
  {
    name: 'trend_seasonal',
    meaning: 'trend_z with what that hour of the week lets expect: e times that index',
    range: [-0.3, 1],
  },
] as const satisfies readonly RankerColumn[]

/** Numbers per candidate. */
export const momentColumnCount = momentColumns.length

const dayMs = 86_400_000
const hoursPerWeek = 168

/** Writes the numbers of one candidate from `at` on. */
export function writeMomentColumns(out: Float32Array, at: number, row: number, catalogue: Catalogue, nowMs: number): void {
  const releasedMs = catalogue.releasedMs[row]!
  const days = (nowMs - releasedMs) / dayMs
  out[at] = releasedMs === 0 ? 0 : Math.sign(days) * logCount(Math.abs(days), 10)
  out[at + 1] = releasedMs === 0 ? 0 : 1
  const hours = catalogue.hoursOf(catalogue.leafCategory[row]!)
  const busy = weekIndexAt(hours, nowMs)
  out[at + 2] = Math.max(-1, Math.min(1, Math.log(busy) / 3))
  out[at + 3] = hours.length === 0 ? 0 : 1
  out[at + 4] = Math.max(-3, Math.min(10, seasonal(catalogue.trend[row]!, catalogue.popularity[row]!, busy))) / 10
}

/** z = (s − e) / √(e + 1) with e times `busy`: s follows from z and e. */
function seasonal(z: number, popularity: number, busy: number): number {
  if (z === 0 || busy === 1) return z
  const expected = popularity / hoursPerWeek
  const short = z * Math.sqrt(expected + 1) + expected
  return trendScoreOf(short, popularity * busy)
}
