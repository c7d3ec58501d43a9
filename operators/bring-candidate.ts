import { sourceCount } from '../algorithms/candidate-set.ts'
import { rankerWidth } from '../algorithms/ranker-features.ts'
import type { ListDraft } from './list-draft.ts'

/**
 * Gives an item that no source brought a place among the candidates of a scored draft, and answers the place. It has no source
 * and no model input: its features are empty, for no model saw it. Where the set is full the worst candidate outside the order
 * goes; −1 if all are in the order. To be called after the last `add` to the set.
 *
 * @param row of the item in the catalogue. @param score what it is to be shown with.
 */
export function bringCandidate(draft: ListDraft, row: number, score: number): number {
  const { set } = draft
  const known = set.rows.subarray(0, set.count).indexOf(row)
  if (known >= 0) return known
  if (set.count === set.countMax && !makeRoom(draft)) return -1
  const place = set.count++
  set.rows[place] = row
  const scores = new Float64Array(place + 1)
  scores.set(draft.scores)
  scores[place] = score
  draft.scores = scores
  return place
}

/** Frees the last place: who stands there takes the place of the worst candidate that is not in the order. */
function makeRoom(draft: ListDraft): boolean {
  const { set, scores, order } = draft
  let worst = -1
  for (let place = 0; place < set.count; place++)
    if ((worst < 0 || scores[place]! <= scores[worst]!) && !order.includes(place)) worst = place
  if (worst < 0) return false
  const last = set.count - 1
  if (worst !== last) {
    for (const [column, width] of [
      [set.rows, 1],
      [set.scores, sourceCount],
      [set.because, sourceCount],
      [scores, 1],
      [draft.features, rankerWidth],
    ] as const)
      column.copyWithin(worst * width, last * width, (last + 1) * width)
    const at = order.indexOf(last)
    if (at >= 0) order[at] = worst
  }
  set.scores.fill(0, last * sourceCount, (last + 1) * sourceCount)
  set.because.fill(-1, last * sourceCount, (last + 1) * sourceCount)
  set.count = last
  draft.scores = scores.subarray(0, last)
  draft.features = draft.features.subarray(0, last * rankerWidth)
  return true
}
