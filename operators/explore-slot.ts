import { map, type OperatorFunction } from 'rxjs'
import type { Chances, Policy } from '../algorithms/bandits/policy.ts'
import type { PolicyVersion } from '../algorithms/bandits/policy-version.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { createRandom } from '../core/random.ts'
import type { Batch } from '../ports/batch.ts'
import { learnedName } from '../schemas/bandit-update.ts'
import {
  drawExploration,
  type ExplorationDraw,
  type ExplorationQuestion,
  type Knowing,
  marginalChances,
  type SlotMarginals,
} from './exploration-chances.ts'
import { columnContext, explorationContext, hiddenContext } from './exploration-context.ts'
import { explorationOffer, type OfferOptions } from './exploration-offer.ts'
import { type ExplorationSegment, segmentOf } from './exploration-segment.ts'
import type { ListDraft } from './list-draft.ts'
import type { BanditTable } from './tables/bandit-table.ts'

export interface ExploreOptions extends Omit<OfferOptions, 'over'> {
  readonly enabled: boolean
  /** The list policy under which outcomes are counted. */
  readonly policy: string
  /** The bandit policy that draws, and what it draws. */
  readonly explorer: PolicyVersion
  /** Share of draws spread evenly, 0–1: no arm's chance falls below epsilon / arms, so no estimate divides by nearly 0. */
  readonly epsilon: number
  /** Share of lists that explore, 0–1. */
  readonly share: number
  /** Whose rewards a list draws with. */
  readonly segmentBy: ExplorationSegment
  /** First places that a slate fills. */
  readonly places: number
  /** Slates from which the marginal chances of a slate are counted where they cannot be had exactly; 0 = they are not told. */
  readonly marginalDraws: number
}

/** Policies and sets of arms whose state and chances are remembered until a posterior moves. */
const remembered = 1024
/** Sums that fade are read as of one of so many moments of a half-life. */
const fadeSteps = 64

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
    if (options.enabled) for (const draft of batch.records) explorer.explore(draft)
    return batch
  })
}

class Explorer {
  readonly #bandit: BanditTable
  readonly #catalogue: Pick<Catalogue, 'items' | 'topCategory'>
  readonly #options: ExploreOptions
  readonly #known = new Map<string, Knowing>()
  #version = -1

  constructor(bandit: BanditTable, catalogue: Pick<Catalogue, 'items' | 'topCategory'>, options: ExploreOptions) {
    this.#bandit = bandit
    this.#catalogue = catalogue
    this.#options = options
  }

  explore(draft: ListDraft): void {
    const { share, explorer } = this.#options
    const { over, version } = explorer
    const slot = over === 'slate' ? 0 : this.#options.slot
    if (draft.order.length <= slot) return
    if (share < 1 && createRandom(`explore share ${draft.listId}`).next() >= share) return
    const { arms, places } = explorationOffer(draft, this.#catalogue, { ...this.#options, over })
    const context = contextOf(draft, places, explorer)
    if (arms.length === 0 || context === null) return
    const segment = this.#segmentOf(draft)
    const fadedToMs = this.#fadedTo(draft.update.eventTimeMs)
    const known = this.#knownOf(segment, fadedToMs)
    const asked = over === 'slate' ? Math.min(this.#options.places, arms.length) : 1
    const question = { arms, context, epsilon: this.#options.epsilon, places: asked }
    const draw = drawExploration(known, question, draft.listId)
    const taken = draw.drawn.map(({ arm }) => places[arm]!)
    draft.order = over === 'slate' ? withFirst(draft.order, taken) : this.#moved(draft, taken[0]!)
    draft.exploration = {
      ...question,
      ...this.#marginalsOf(known, question, draw, draft.listId),
      slot,
      policy: known.policy.name,
      version,
      segment,
      chances: [...draw.chances.values],
      draws: draw.chances.draws,
      learned: known.learned.rows,
      fadedToMs,
      over,
      drawn: draw.drawn.map(({ arm, propensity }, at) => ({ slot: slot + at, arm: arms[arm]!, propensity })),
    }
  }

  #segmentOf(draft: ListDraft): string {
    const { segmentBy, explorer, policy } = this.#options
    // Another version of the network means other numbers by its last layer, among those who share a segment too.
    const network = explorer.isContextual && explorer.itemContext === 'hidden' ? `@${draft.modelVersion}` : ''
    const segment = `${segmentOf(draft, segmentBy)}${network}`
    const admitted = this.#bandit.admit(policy, { policy: explorer.policy.name, version: explorer.version, segment })
    return admitted === segment ? segment : `${admitted}${network}`
  }

  #marginalsOf(known: Knowing, question: ExplorationQuestion, draw: ExplorationDraw, listId: string): SlotMarginals {
    const draws = this.#options.marginalDraws
    if (known.over !== 'slate' || draws === 0) return { marginals: [], marginalDraws: 0 }
    return marginalChances(known, question, draw, { draws, listId })
  }

  #fadedTo(nowMs: number): number {
    const { halfLifeMs } = this.#options.explorer
    if (halfLifeMs === 0) return 0
    const step = halfLifeMs / fadeSteps
    return Math.floor(Math.floor(nowMs / step) * step)
  }

  /** What the policy knows for a segment. Without a context equal arms have equal chances, and such policies draw nothing while they make them. */
  #knownOf(segment: string, fadedToMs: number): Knowing {
    const { explorer, policy } = this.#options
    if (this.#bandit.version !== this.#version || this.#known.size >= remembered) {
      this.#known.clear()
      this.#version = this.#bandit.version
    }
    const key = `${fadedToMs}/${segment}`
    let known = this.#known.get(key)
    if (!known) {
      const name = learnedName(policy, { policy: explorer.policy.name, version: explorer.version, segment })
      const learned = this.#bandit.learned(name, fadedToMs, explorer.halfLifeMs)
      known = { ...explorer, learned, policy: explorer.isContextual ? explorer.policy : remembering(explorer.policy) }
      this.#known.set(key, known)
    }
    return known
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

/** A policy that is asked once for each set of arms. */
function remembering(policy: Policy): Policy {
  const known = new Map<string, Chances>()
  return {
    ...policy,
    chances: (choices, sums, random) => {
      const key = choices.arms.join()
      const chances = known.get(key) ?? policy.chances(choices, sums, random)
      if (known.size >= remembered) known.clear()
      known.set(key, chances)
      return chances
    },
  }
}

/** The order with some of its places first. */
function withFirst(order: Int32Array, places: readonly number[]): Int32Array {
  return Int32Array.from([...places, ...order.filter((place) => !places.includes(place))])
}
