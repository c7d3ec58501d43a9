import { map, type OperatorFunction } from 'rxjs'
import type { Chances } from '../algorithms/bandits/policy.ts'
import type { PolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { drawArm } from '../algorithms/exploration.ts'
import { createRandom, type Random } from '../core/random.ts'
import type { Batch } from '../ports/batch.ts'
import { learnedName } from '../schemas/bandit-update.ts'
import { type ExplorationQuestion, explorationChances, explorationRandom } from './exploration-chances.ts'
import { explorationContext } from './exploration-context.ts'
import { type ExplorationSegment, segmentOf } from './exploration-segment.ts'
import type { ListDraft } from './list-draft.ts'
import type { BanditTable } from './tables/bandit-table.ts'

export interface ExploreOptions {
  readonly enabled: boolean
  /** Place that the bandit fills, from 0. */
  readonly slot: number
  /** First places of a list: the arm's item is one that does not stand in them. */
  readonly first: number
  /** The list policy under which outcomes are counted. */
  readonly policy: string
  /** The bandit policy that draws. */
  readonly explorer: PolicyVersion
  /** Share of draws spread evenly, 0–1: no arm's chance falls below epsilon / arms, so no estimate divides by nearly 0. */
  readonly epsilon: number
  /** Share of lists that explore, 0–1. */
  readonly share: number
  /** Candidates below are not explored: 0–1 on a scale from the worst candidate's score to the best's. */
  readonly minimumRelevance: number
  /** Whose rewards a list draws with. */
  readonly segmentBy: ExplorationSegment
}

/** Arm sets whose chances are remembered until a posterior moves. */
const remembered = 1024
/** Sums that fade are read as of one of so many moments of a half-life. */
const fadeSteps = 64

/** What the policy drew from. */
interface Drawn {
  readonly chances: Chances
  readonly learned: number
}

/**
 * Lets a bandit policy fill one slot: an arm is a candidate source, its item that source's best one outside the first places. The arm is
 * drawn with the list's own seed from the policy's chances, given what the log told until now, and they are kept as propensities with all
 * that a replay needs. It takes the place of an item of its own
 * first-level category, as far as there is one.
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
  catalogue: Pick<Catalogue, 'topCategory'>,
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
  readonly #catalogue: Pick<Catalogue, 'topCategory'>
  readonly #options: ExploreOptions
  readonly #known = new Map<string, Drawn>()
  #version = -1

  constructor(bandit: BanditTable, catalogue: Pick<Catalogue, 'topCategory'>, options: ExploreOptions) {
    this.#bandit = bandit
    this.#catalogue = catalogue
    this.#options = options
  }

  explore(draft: ListDraft): void {
    const { slot, share, epsilon, explorer, segmentBy } = this.#options
    if (draft.order.length <= slot) return
    if (share < 1 && createRandom(`explore share ${draft.listId}`).next() >= share) return
    const { arms, places } = armsOf(draft, this.#options)
    if (arms.length === 0) return
    const { policy, version, isContextual } = explorer
    const random = explorationRandom(draft.listId)
    const segment = this.#bandit.admit(this.#options.policy, {
      policy: policy.name,
      version,
      segment: segmentOf(draft, segmentBy),
    })
    const context = isContextual ? explorationContext(draft) : []
    const fadedToMs = this.#fadedTo(draft.update.eventTimeMs)
    const name = learnedName(this.#options.policy, { policy: policy.name, version, segment })
    const question = { arms, context, epsilon }
    const { chances, learned } = isContextual
      ? this.#draw(name, question, fadedToMs, random)
      : this.#drawKnown(name, question, fadedToMs, random)
    const drawn = drawArm(chances.values, random.next())
    const { topCategory } = this.#catalogue
    draft.order = moved(draft.order, places[drawn]!, this.#options, (place) => topCategory[draft.set.rows[place]!]!)
    draft.exploration = {
      slot,
      policy: policy.name,
      version,
      segment,
      arms,
      chances: [...chances.values],
      draws: chances.draws,
      epsilon,
      learned,
      fadedToMs,
      context,
      arm: arms[drawn]!,
      propensity: chances.values[drawn]!,
    }
  }

  #fadedTo(nowMs: number): number {
    const { halfLifeMs } = this.#options.explorer
    if (halfLifeMs === 0) return 0
    const step = halfLifeMs / fadeSteps
    return Math.floor(Math.floor(nowMs / step) * step)
  }

  /** Without a context equal arms have equal chances, and such policies draw nothing while they make them. */
  #drawKnown(name: string, question: ExplorationQuestion, fadedToMs: number, random: Random): Drawn {
    if (this.#bandit.version !== this.#version || this.#known.size >= remembered) {
      this.#known.clear()
      this.#version = this.#bandit.version
    }
    const key = `${name}/${fadedToMs}/${question.arms.join()}`
    let drawn = this.#known.get(key)
    if (!drawn) {
      drawn = this.#draw(name, question, fadedToMs, random)
      this.#known.set(key, drawn)
    }
    return drawn
  }

  #draw(name: string, question: ExplorationQuestion, fadedToMs: number, random: Random): Drawn {
    const { explorer } = this.#options
    const learned = this.#bandit.learned(name, fadedToMs, explorer.halfLifeMs)
    return { chances: explorationChances(explorer, question, learned, random), learned: learned.rows }
  }
}

/** Sources that have something relevant to show, and the place of each one's best. */
function armsOf(draft: ListDraft, { slot, first, minimumRelevance }: ExploreOptions): { arms: string[]; places: number[] } {
  const shown = new Set(draft.order.subarray(0, first))
  shown.delete(draft.order[slot]!) // Its own place is the one to fill.
  const scoreMin = scoreAt(draft, minimumRelevance)
  const arms: string[] = []
  const places: number[] = []
  for (let source = 0; source < sourceCount; source++) {
    const place = bestOf(draft, source, (other) => !shown.has(other) && (scoreMin === null || draft.scores[other]! >= scoreMin))
    if (place < 0) continue
    arms.push(candidateSources[source]!)
    places.push(place)
  }
  return { arms, places }
}

/** The score at a share of the way from the worst candidate's to the best's; null = any. */
function scoreAt({ scores, set }: ListDraft, share: number): number | null {
  if (share === 0) return null
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (let place = 0; place < set.count; place++) {
    least = Math.min(least, scores[place]!)
    most = Math.max(most, scores[place]!)
  }
  return least + share * (most - least)
}

/** The place of a source's best candidate that may be shown; -1 if it has none. */
function bestOf(draft: ListDraft, source: number, mayShow: (place: number) => boolean): number {
  let best = -1
  let bestScore = 0
  for (let place = 0; place < draft.set.count; place++) {
    const score = draft.set.scores[place * sourceCount + source]!
    if (score > bestScore && mayShow(place)) {
      best = place
      bestScore = score
    }
  }
  return best
}

/**
 * The order with `place` in the slot. What leaves the first places for it is the last one of its first-level category that does
 * not stand before the slot, so that the list keeps within its cap; if there is none, the last of all.
 */
function moved(
  order: Int32Array,
  place: number,
  { slot, first }: ExploreOptions,
  categoryOf: (place: number) => number,
): Int32Array {
  if (order[slot] === place) return order
  const rest = [...order].filter((other) => other !== place)
  const leaver = rest.slice(0, first).findLastIndex((other) => categoryOf(other) === categoryOf(place))
  if (leaver >= slot) rest.splice(first - 1, 0, ...rest.splice(leaver, 1))
  rest.splice(slot, 0, place)
  return Int32Array.from(rest.slice(0, order.length))
}
