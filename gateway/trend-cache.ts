import { LRUCache } from 'lru-cache'
import type { Clock } from '../ports/clock.ts'
import type { ListStore } from '../ports/list-store.ts'
import { listKeys } from '../schemas/list-keys.ts'
import { decodeServed, type ServedTrend } from '../schemas/served-list.ts'

/** Scopes remembered; regions come from requests, so their number must be bounded. */
const scopesMax = 1000

/** Trend lists as read a moment ago: the answer for unknown people must cost less than one store read each. */
export class TrendCache {
  readonly #lists: Pick<ListStore, 'get'>
  readonly #clock: Clock
  readonly #ageMsMax: number
  readonly #known = new LRUCache<string, { readonly readMs: number; readonly trend: ServedTrend | null }>({ max: scopesMax })

  /** `ageMsMax`: how old an answer may be, 200 ms by default. */
  constructor(lists: Pick<ListStore, 'get'>, clock: Clock, ageMsMax = 200) {
    this.#lists = lists
    this.#clock = clock
    this.#ageMsMax = ageMsMax
  }

  /** The first non-empty list of the scopes (`region:north`, `all`), in one store read at most. Errors: `MILL_STORE_UNAVAILABLE`. */
  async firstOf(scopes: readonly string[]): Promise<ServedTrend | null> {
    const nowMs = this.#clock.elapsedMs()
    const old = scopes.filter((scope) => nowMs - (this.#known.get(scope)?.readMs ?? Number.NEGATIVE_INFINITY) > this.#ageMsMax)
    if (old.length > 0) {
      const texts = await this.#lists.get(old.map((scope) => listKeys.trend(scope)))
      old.forEach((scope, index) => {
        this.#known.set(scope, { readMs: nowMs, trend: decodeServed<ServedTrend>(texts[index] ?? null) })
      })
    }
    for (const scope of scopes) {
      const trend = this.#known.get(scope)?.trend
      if (trend && trend.items.length > 0) return trend
    }
    return null
  }
}
