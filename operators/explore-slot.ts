import { map, type OperatorFunction } from 'rxjs'
import type { PolicyVersion } from '../algorithms/bandits/policy-version.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import type { Batch } from '../ports/batch.ts'
import { rankerArm } from '../schemas/exploration.ts'
import { columnContext, explorationContext, hiddenContext } from './exploration-context.ts'
import { type DrawOptions, ExplorationDrawer } from './exploration-drawer.ts'
import { explorationOffer, type OfferOptions } from './exploration-offer.ts'
import type { ListDraft } from './list-draft.ts'
import type { BanditTable } from './tables/bandit-table.ts'

export interface ExploreOptions extends DrawOptions, Omit<OfferOptions, 'over'> {
  /** First places that a slate fills. */
  readonly places: number
}

/**
 * Lets a bandit policy fill one slot, or the first ones, by its scope: an arm is a candidate source, which shows its best candidate outside the
 * first places, or an item. Arms are drawn by the list's own id from the policy's chances, given what the log told until now, and the chances are
 * kept as propensities with all that a replay needs. What fills a single slot takes the place of an item of its own first-level category, as
 * far as there is one; a slate arranges the first places anew.
 *
 *     source  x--y--|     x = [draft]
 *     result  x--y--|     x = [draft with one item of `order` moved into the slot]
 *
 * - Order: drafts keep theirs.
 * - Bound: chances of 1,024 arm sets are remembered for policies that do not look at a context, until a posterior moves.
 * - Time: event time of the list for sums that fade; randomness comes from the list id alone.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function exploreSlot(
  bandit: BanditTable,
  catalogue: Pick<Catalogue, 'items' | 'topCategory'>,
  options: ExploreOptions,
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  const explorer = new Explorer(bandit, catalogue, options)
  return map((batch) => {
    for (const draft of batch.records) explorer.explore(draft)
    return batch
  })
}

class Explorer {
  readonly #drawer: ExplorationDrawer
  readonly #catalogue: Pick<Catalogue, 'items' | 'topCategory'>
  readonly #options: ExploreOptions

  constructor(bandit: BanditTable, catalogue: Pick<Catalogue, 'items' | 'topCategory'>, options: ExploreOptions) {
    this.#drawer = new ExplorationDrawer(bandit, options)
    this.#catalogue = catalogue
    this.#options = options
  }

  explore(draft: ListDraft): void {
    const { explorer } = this.#options
    const { over } = explorer
    if (over === 'ranker') {
      // Scored by another one than was drawn, as that failed: its chance is not that of this list.
      if (draft.exploration?.ranker?.arm !== rankerArm(draft)) draft.exploration = null
      return
    }
    const slot = over === 'slate' ? 0 : this.#options.slot
    if (draft.order.length <= slot || !this.#drawer.explores(draft)) return
    const { arms, places } = explorationOffer(draft, this.#catalogue, { ...this.#options, over })
    const context = contextOf(draft, places, explorer)
    if (arms.length === 0 || context === null) return
    const asked = over === 'slate' ? Math.min(this.#options.places, arms.length) : 1
    const { told, drawn } = this.#drawer.draw(draft, { arms, context, places: asked })
    const taken = drawn.map(({ arm }) => places[arm]!)
    draft.order = over === 'slate' ? withFirst(draft.order, taken) : this.#moved(draft, taken[0]!)
    draft.exploration = {
      ...told,
      slot,
      drawn: drawn.map(({ arm, propensity }, at) => ({ slot: slot + at, arm: arms[arm]!, propensity })),
    }
  }

  /**
   * The order with `place` in the slot. What leaves the first places for it is the last one of its first-level category that does not stand
   * before the slot, so that the list keeps within its cap; if there is none, the last of all.
   */
  #moved({ order, set }: ListDraft, place: number): Int32Array {
    const { slot, first } = this.#options
    if (order[slot] === place) return order
    const categoryOf = (other: number) => this.#catalogue.topCategory[set.rows[other]!]!
    const rest = [...order].filter((other) => other !== place)
    const leaver = rest.slice(0, first).findLastIndex((other) => categoryOf(other) === categoryOf(place))
    if (leaver >= slot) rest.splice(first - 1, 0, ...rest.splice(leaver, 1))
    rest.splice(slot, 0, place)
    return Int32Array.from(rest.slice(0, order.length))
  }
}

/** What the policy sees, [] where it does not look; null where there is nothing to be seen. */
function contextOf(
  draft: ListDraft,
  places: readonly number[],
  { over, isContextual, itemContext }: PolicyVersion,
): number[] | null {
  if (!isContextual) return []
  if (over === 'source') return explorationContext(draft)
  return itemContext === 'hidden' ? hiddenContext(draft, places) : columnContext(draft, places)
}

/** The order with some of its places first. */
function withFirst(order: Int32Array, places: readonly number[]): Int32Array {
  return Int32Array.from([...places, ...order.filter((place) => !places.includes(place))])
}
