import { Leaderboard } from './leaderboard.ts'
import type { TopK } from './top-k.ts'

/** Settings of `GroupPopularity`. */
export interface GroupPopularityOptions {
  readonly itemCount: number
  /** Default 7 days. */
  readonly halfLifeMs?: number
  /** Different users below which a group's parent answers for it. Default 50. */
  readonly usersMin?: number
  /** Groups held at most; events of further groups count for their parents only. Default 10,000. */
  readonly groupsMax?: number
  /** Places kept in order per group. Default 100. */
  readonly placesMax?: number
}

interface Group {
  board: Leaderboard
  /** Until there are enough of them. */
  users: Set<number> | null
}

const weekMs = 7 * 24 * 3_600_000
/** Half-lives after which weights are scaled back, far from the end of a double. */
const scaleAfter = 400
const scoreMin = 1e-200

/**
 * Popularity with decay for groups of people or things: everybody, a region, a category, an age group (features.md F3.15). Weights
 * grow with time instead of old ones shrinking (forward decay, Cormode et al., ICDE 2009), so an event costs one place in a board.
 * A group of too few people answers with its parent's list, so that nobody's taste stands for a group's.
 */
export class GroupPopularity {
  readonly #groups = new Map<string, Group>()
  readonly #options: Required<GroupPopularityOptions>
  #referenceMs = Number.NaN

  constructor(options: GroupPopularityOptions) {
    this.#options = { halfLifeMs: weekMs, usersMin: 50, groupsMax: 10_000, placesMax: 100, ...options }
  }

  /** Counts `weight` > 0 for an item in every one of `groups`, narrowest first and widest last. Any order of time. */
  observe(groups: readonly string[], user: number, item: number, weight: number, timeMs: number): void {
    const { halfLifeMs, usersMin } = this.#options
    if (Number.isNaN(this.#referenceMs)) this.#referenceMs = timeMs
    const ages = (timeMs - this.#referenceMs) / halfLifeMs
    if (ages > scaleAfter) this.#scale(timeMs)
    const grown = weight * 2 ** ((timeMs - this.#referenceMs) / halfLifeMs)
    if (!(grown > 0)) return
    for (let n = groups.length - 1; n >= 0; n--) {
      const group = this.#groupOf(groups[n]!)
      if (group === null) continue
      group.board.add(item, grown)
      group.users?.add(user)
      if (group.users !== null && group.users.size >= usersMin) group.users = null
    }
  }

  /** The `count` most popular items of the first of `groups` (narrowest first) with people enough, else of the last; ties by lower item. */
  top(groups: readonly string[], count: number, excluded: Uint8Array | null = null): TopK & { readonly group: string | null } {
    const indices = new Int32Array(count)
    const scores = new Float64Array(count)
    const name = groups.find((one) => this.#groups.get(one)?.users === null) ?? groups.at(-1) ?? ''
    const group = this.#groups.get(name)
    if (group === undefined) return { indices: indices.subarray(0, 0), scores: scores.subarray(0, 0), group: null }
    const filled = group.board.top(count, excluded, indices, scores)
    return { indices: indices.subarray(0, filled), scores: scores.subarray(0, filled), group: name }
  }

  #groupOf(name: string): Group | null {
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    if (this.#groups.size >= this.#options.groupsMax) return null
    const made = { board: new Leaderboard(this.#options.itemCount, this.#options.placesMax), users: new Set<number>() }
    this.#groups.set(name, made)
    return made
  }

  /** Moves the reference time; what has become nothing is forgotten. */
  #scale(timeMs: number): void {
    const { itemCount, placesMax, halfLifeMs } = this.#options
    const factor = 2 ** ((this.#referenceMs - timeMs) / halfLifeMs)
    for (const group of this.#groups.values()) {
      const board = new Leaderboard(itemCount, placesMax)
      for (let item = 0; item < itemCount; item++) {
        const score = group.board.score(item) * factor
        if (score > scoreMin) board.add(item, score)
      }
      group.board = board
    }
    this.#referenceMs = timeMs
  }
}
