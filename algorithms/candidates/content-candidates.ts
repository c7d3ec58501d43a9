import { candidateSources } from '../candidate-set.ts'
import type { RelatedRows } from '../catalogue.ts'
import type { TfIdfIndex } from '../tf-idf.ts'
import type { CandidateSource } from './candidate-source.ts'
import { RowScores } from './row-scores.ts'

const seedsMax = 5
const neighboursPerItem = 20
/** Neighbour lists kept; a full cache starts anew. */
const cacheMax = 20_000

/** What reads like the items a person touched: TF-IDF neighbours of the newest ones (features.md F3.9). */
export function contentCandidates(index: TfIdfIndex): CandidateSource {
  const column = candidateSources.indexOf('content')
  const sums = new RowScores()
  const cache = new Map<number, RelatedRows>()
  let itemsAtStart = 0
  const neighboursOf = (row: number): RelatedRows => {
    const known = cache.get(row)
    if (known) return known
    const nearest = index.nearest(index.vector(row), neighboursPerItem, (other) => other === row)
    const related = { rows: nearest.indices.slice(), weights: Float32Array.from(nearest.scores) }
    cache.set(row, related)
    return related
  }
  return {
    name: 'content',
    retrieve(user, set, countMax) {
      // Neighbours go stale as the catalogue grows: a twentieth more items and all are looked up anew.
      if (cache.size >= cacheMax || index.itemCount > itemsAtStart * 1.05) {
        cache.clear()
        itemsAtStart = index.itemCount
      }
      let share = 1
      const seeds = Math.min(seedsMax, user.recentRows.length)
      for (let i = 0; i < seeds; i++, share *= 0.8) {
        const seed = user.recentRows[i]!
        const { rows, weights } = neighboursOf(seed)
        for (let j = 0; j < rows.length; j++) sums.add(rows[j]!, share * weights[j]!, seed)
      }
      const { rows, scores, because, count } = sums.take(countMax)
      set.addRanked(column, rows, scores, count, because)
    },
  }
}
