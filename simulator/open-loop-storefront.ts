import { MillraceError } from '../core/errors.ts'
import { createRandom, type Random } from '../core/random.ts'
import type { Decision, DecisionSlot } from '../schemas/decision.ts'
import type { Shop } from './shop.ts'
import type { ShownList, ShowRequest, Storefront } from './storefront.ts'

/** A Buffer, for the Avro library takes no other bytes. */
const noBytes = Buffer.alloc(0)
/** The popular list is made anew every so many requests. */
const refreshEvery = 50

/** A storefront that needs no recommender, and its decisions. */
export interface OpenLoopStorefront extends Storefront {
  /** The decision on one request, without waiting. */
  decide(request: ShowRequest): Decision
}

/**
 * The shop's own logging policy: slot k shows the k-th most popular item, or, with `exploreShare`, an item drawn uniformly from
 * everything else in stock. Decisions are a pure function of shop and seed, and propensities are exact: 1 - exploreShare for the
 * popular item of a slot, exploreShare / (size of the rest) for any other. `exploreShare` lies in 0–1, default 0.3. Errors:
 * `MILL_CONFIG_INVALID`.
 */
export function createOpenLoopStorefront(
  shop: Shop,
  options: { readonly seed: string | number; readonly exploreShare?: number },
): OpenLoopStorefront {
  const exploreShare = options.exploreShare ?? 0.3
  if (!(exploreShare >= 0 && exploreShare <= 1))
    throw new MillraceError('MILL_CONFIG_INVALID', `open-loop option "exploreShare" is ${exploreShare}; it must lie in 0–1`)
  const random = createRandom(`${options.seed}/open-loop`)
  let decided = 0
  let popular: string[] = []
  let rest: string[] = []

  const decide = (request: ShowRequest): Decision => {
    if (decided % refreshEvery === 0) {
      popular = shop.popularRank(request.count)
      const shown = new Set(popular)
      rest = shop.inStock().filter((itemId) => !shown.has(itemId))
    }
    const number = ++decided
    return {
      decisionId: `${shop.tag}-d${number}`,
      listId: `${shop.tag}-l${number}`,
      userId: request.userId,
      timeMs: request.timeMs,
      surface: request.surface,
      policy: 'open-loop',
      policyVersion: '1',
      exploration: null,
      experiment: null,
      variant: null,
      seed: `${options.seed}/${number}`,
      rung: 'trend',
      modelVersion: '',
      context: noBytes,
      slots: fillSlots(popular, rest, exploreShare, random),
    }
  }
  return {
    decide,
    show: (request) => Promise.resolve(shownOf(decide(request))),
  }
}

/** What the shop sees of a decision. */
export function shownOf(decision: Decision): ShownList {
  return { listId: decision.listId, policy: decision.policy, items: decision.slots.map(({ itemId }) => itemId) }
}

/** Each slot explores by itself; drawing without repeats leaves every item of the rest equally likely in every slot. */
function fillSlots(popular: readonly string[], rest: string[], exploreShare: number, random: Random): DecisionSlot[] {
  const slots: DecisionSlot[] = []
  let drawn = 0
  for (const [position, favourite] of popular.entries()) {
    const explored = drawn < rest.length && random.next() < exploreShare
    let itemId = favourite
    if (explored) {
      const at = drawn + random.below(rest.length - drawn)
      itemId = rest[at]!
      rest[at] = rest[drawn]!
      rest[drawn++] = itemId
    }
    slots.push({
      itemId,
      position,
      propensity: explored ? exploreShare / rest.length : rest.length === 0 ? 1 : 1 - exploreShare,
      source: explored ? 'explore' : 'popular',
      score: Math.fround(1 / (1 + position)),
      explored,
      features: noBytes,
    })
  }
  return slots
}
