import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { Scorer } from '../ports/scorer.ts'
import { linearRanker } from '../schemas/exploration.ts'
import { explorationContext } from './exploration-context.ts'
import { type DrawOptions, ExplorationDrawer } from './exploration-drawer.ts'
import type { ListDraft } from './list-draft.ts'
import type { BanditTable } from './tables/bandit-table.ts'

export interface ChooseRankerOptions extends DrawOptions {
  readonly model: string
  /** Versions of the model, and `linear`, the rung that asks none. */
  readonly rankers: readonly string[]
}

/**
 * Lets a bandit policy that chooses over rankers draw who scores a list: an arm is a version of the model that is not known to be away, or the
 * linear rung. What a list brings, its best slot, is the arm's reward; a list that another one scored in the end is not told as explored.
 *
 *     source  x--y--|     x = [draft]
 *     result  x--y--|     x = [draft to be scored by version 2, with the chance of that]
 *
 * - Order: drafts keep theirs.
 * - Bound: that of the drawer.
 * - Time: event time of the list for sums that fade; randomness comes from the list id alone.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function chooseRanker(
  bandit: BanditTable,
  scorer: Scorer,
  options: ChooseRankerOptions,
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  const { explorer, model, rankers } = options
  const drawer = new ExplorationDrawer(bandit, options)
  const choose = (draft: ListDraft): void => {
    const arms = rankers.filter((ranker) => ranker === linearRanker || scorer.ready(model, ranker))
    if (arms.length === 0 || !drawer.explores(draft)) return
    const context = explorer.isContextual ? explorationContext(draft) : []
    const { told, drawn } = drawer.draw(draft, { arms, context, places: 1 })
    const [{ arm, propensity }] = drawn as [(typeof drawn)[number]]
    draft.exploration = { ...told, slot: 0, drawn: [], ranker: { arm: arms[arm]!, propensity } }
  }
  return map((batch) => {
    if (explorer.over === 'ranker') for (const draft of batch.records) choose(draft)
    return batch
  })
}
