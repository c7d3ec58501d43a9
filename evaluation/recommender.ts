import type { Random } from '../core/random.ts'
import type { Item } from '../schemas/item.ts'

/** One event as an algorithm learns it. The object is reused for the next event: keep numbers, not the object. */
export interface Observation {
  user: number
  /** The running visit; where the data has none, a visit ends by a gap or is the whole user (see the format). */
  session: number
  item: number
  timeMs: number
  /** Index in `eventTypes` (schemas/user-event.ts). */
  type: number
  /** Graded implicit feedback, 0–1 (schemas/event-strength.ts). */
  strength: number
  /** 1–5, or 0 where nothing was rated. */
  rating: number
}

/** What is known when a list is asked for: only what happened before. Reused for the next query. */
export interface Query {
  user: number
  session: number
  nowMs: number
  /** Items of the running session so far, oldest first, repeats included. */
  sessionItems: Int32Array
  /** Items of the user so far over all sessions, oldest first, repeats included; ends with those of the running session. */
  userItems: Int32Array
  /** Per item 1 if it must not be recommended (left out, or not in the catalogue yet), or null if all may be. */
  excluded: Uint8Array | null
  /** How many items that somebody has touched are left out. */
  excludedCount: number
}

/** A ranked answer, written by `recommend`: `items[0..count)` with `scores`, best first, ties by lower item. */
export interface RankedList {
  readonly items: Int32Array
  readonly scores: Float64Array
  count: number
}

/** A list with room for `size` items. */
export function emptyRankedList(size: number): RankedList {
  return { items: new Int32Array(size), scores: new Float64Array(size), count: 0 }
}

/**
 * One algorithm under judgement, in dense indexes. The order of calls: `learn` for each event of the training part in order of
 * time, `fit` once, then any mixture of `recommend`, and `learn` if it is updated while it is judged. `fit` may come again later
 * (retraining).
 */
export interface Recommender {
  /** Takes one event; a batch learner only writes it down. */
  learn(observation: Readonly<Observation>): void
  /** Learns from everything written down; absent where `learn` did it all. */
  fit?(): void
  /** Takes a question that needs no answer, for those that learn from what was chosen out of what; the choice comes by `learn`. */
  face?(query: Readonly<Query>): void
  /** Awaited before each `recommend` with the same query, for what is answered elsewhere; its time counts as part of the answer. */
  prepare?(query: Readonly<Query>): Promise<void>
  /**
   * Writes the best `n` (≤ `out.items.length`) items for `query` into `out`: score desc, then item asc, without repeats, none
   * excluded. Fewer than n where no more items are known: an item never seen in `learn` or in the catalogue's facts has no place.
   */
  recommend(query: Readonly<Query>, n: number, out: RankedList): void
  /** The rating (1–5) this user would give, for algorithms that know ratings. */
  predict?(user: number, item: number): number
}

/** Values of an algorithm's settings. */
export type SettingValue = number | string | boolean
export type Settings = Readonly<Record<string, SettingValue>>

/** What an algorithm is made for: sizes are those of the whole data set, so that arrays need not grow. */
export interface RecommenderWorld {
  readonly itemCount: number
  readonly userCount: number
  readonly sessionCount: number
  /** As in `Observations`. */
  readonly itemIds: readonly string[]
  /** Text and categories of each item, null for nothing but its id. */
  readonly facts: readonly (Item | null)[]
  /** Only events of these types are asked for; all if empty. */
  readonly judgedTypes: readonly string[]
  /**
   * Whether a question is what a protocol makes it (half a basket): each is put by `recommend` or `face`, and no other event is one.
   * Otherwise every event of `judgedTypes` is a question about itself.
   */
  readonly questionsArePut: boolean
  readonly random: Random
}

/** An algorithm by name, with the settings it has and how to make it. */
export interface RecommenderSpec<S extends Settings = Settings> {
  readonly name: string
  /** One sentence with the paper. */
  readonly summary: string
  /** Every setting with its default; a number may be set to numbers only, and so on. */
  readonly defaults: S
  create(world: RecommenderWorld, settings: S): Recommender
}
