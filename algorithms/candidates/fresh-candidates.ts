import { candidateSources } from '../candidate-set.ts'
import type { Catalogue } from '../catalogue.ts'
import type { CandidateSource } from './candidate-source.ts'

/** Newest items kept at hand. */
const newestMax = 400
/** Days after which an item is no longer fresh. */
const freshDays = 14
const dayMs = 86_400_000

/** The newest items, those of the person's categories first: how a new item gets its first impressions (features.md F6.10). */
export function freshCandidates(catalogue: Catalogue): CandidateSource {
  const column = candidateSources.indexOf('fresh')
  let newest = new Int32Array(0)
  let sizeThen = -1
  return {
    name: 'fresh',
    retrieve(user, set, countMax) {
      // Sorting costs, so a handful of new items waits for the next one; a hundredth more items is a handful.
      if (sizeThen < 0 || catalogue.size - sizeThen > 4 + sizeThen / 100) {
        newest = newestRows(catalogue)
        sizeThen = catalogue.size
      }
      const wanted = new Set(user.categories.map((name) => catalogue.categories.find(name)))
      for (const known of [true, false]) {
        let taken = 0
        for (let i = 0; i < newest.length && taken < countMax >> 1; i++) {
          const row = newest[i]!
          const ageDays = (user.nowMs - catalogue.createdMs[row]!) / dayMs
          if (ageDays > freshDays || ageDays < 0) continue
          if ((wanted.has(catalogue.leafCategory[row]!) || wanted.has(catalogue.topCategory[row]!)) !== known) continue
          set.add(column, row, (known ? 1 : 0.5) * (1 - ageDays / (freshDays + 1)), -1)
          taken++
        }
      }
    },
  }
}

function newestRows(catalogue: Catalogue): Int32Array<ArrayBuffer> {
  const rows: number[] = []
  for (let row = 0; row < catalogue.size; row++) if (catalogue.known[row] === 1 && catalogue.createdMs[row]! > 0) rows.push(row)
  rows.sort((a, b) => catalogue.createdMs[b]! - catalogue.createdMs[a]! || a - b)
  return Int32Array.from(rows.slice(0, newestMax))
}
