import { candidateSources } from '../candidate-set.ts'
import type { Catalogue, RelatedRows } from '../catalogue.ts'
import type { TextNeighbours } from '../text-neighbours.ts'
import type { TfIdfIndex } from '../tf-idf.ts'
import { insertBest, type TopK } from '../top-k.ts'
import type { CandidateSource } from './candidate-source.ts'
import { RowScores } from './row-scores.ts'

const seedsMax = 5
const neighboursPerItem = 20
/** Neighbour lists kept; a full cache starts anew. */
const cacheMax = 20_000

/** How items are read of which too little was heard. */
export interface ColdTexts {
  readonly texts: TextNeighbours
  readonly catalogue: Pick<Catalogue, 'isCold'>
}

/**
 * What reads like the items a person touched: neighbours of the newest ones by TF-IDF (features.md F3.9), and cold ones by the text model
 * where it has read both (F6.11). Both are cosines.
 */
export function contentCandidates(index: TfIdfIndex, cold?: ColdTexts): CandidateSource {
  const column = candidateSources.indexOf('content')
  const sums = new RowScores()
  const cache = new Map<number, RelatedRows>()
  let itemsAtStart = 0
  let textsAtStart = 0
  const neighboursOf = (row: number): RelatedRows => {
    const known = cache.get(row)
    if (known) return known
    const nearest = cold?.texts.has(row)
      ? nearestOfBoth(index, cold, row)
      : index.nearest(index.vector(row), neighboursPerItem, (other) => other === row)
    const related = { rows: nearest.indices.slice(), weights: Float32Array.from(nearest.scores) }
    cache.set(row, related)
    return related
  }
  return {
    name: 'content',
    retrieve(user, set, countMax) {
      // Neighbours go stale as the catalogue grows: a twentieth more items and all are looked up anew.
      const texts = cold?.texts.size ?? 0
      if (cache.size >= cacheMax || index.itemCount > itemsAtStart * 1.05 || texts > textsAtStart * 1.05) {
        cache.clear()
        itemsAtStart = index.itemCount
        textsAtStart = texts
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

/** Cold items by the text model, the others by TF-IDF: the best of both. */
function nearestOfBoth(index: TfIdfIndex, { texts, catalogue }: ColdTexts, row: number): TopK {
  const isRead = (other: number): boolean => texts.has(other) && catalogue.isCold(other)
  const known = index.nearest(index.vector(row), neighboursPerItem, (other) => other === row || isRead(other))
  const cold = texts.nearest(row, neighboursPerItem, isRead)
  const indices = new Int32Array(neighboursPerItem)
  const scores = new Float64Array(neighboursPerItem)
  let filled = 0
  for (const { indices: rows, scores: cosines } of [known, cold])
    rows.forEach((other, at) => {
      filled = insertBest(indices, scores, filled, other, cosines[at]!)
    })
  return { indices: indices.subarray(0, filled), scores: scores.subarray(0, filled) }
}
