import { randomBytes, randomUUID } from 'node:crypto'
import { MillraceError } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { ExperimentTable } from '../ports/experiment-table.ts'
import type { ItemTable } from '../ports/item-table.ts'
import type { ListStore } from '../ports/list-store.ts'
import { type Counter, type Metrics, silentMetrics } from '../ports/metrics.ts'
import { type Assigned, assignExperiments } from '../schemas/assign-experiments.ts'
import type { Assignment } from '../schemas/assignment.ts'
import type { ExperimentPolicy } from '../schemas/experiment.ts'
import type { ImportedPolicy } from '../schemas/imported-list.ts'
import type { Item } from '../schemas/item.ts'
import { listKeys } from '../schemas/list-keys.ts'
import type { RecommendedItem } from '../schemas/recommendation.ts'
import { decodeServed, type ServedReserve, type ServedSnapshot, type ServedTrend } from '../schemas/served-list.ts'
import type { Device } from '../schemas/user-event.ts'
import type { DecisionLog } from './decision-log.ts'
import { decisionOf } from './decision-of.ts'
import { GatheredLists } from './gathered-lists.ts'
import { PageCursors, type PagePosition, shownHash, shownMax } from './page-cursor.ts'
import { readImportedList } from './read-imported-list.ts'
import { readServedList } from './read-served-list.ts'
import type { Shown, ShownItem } from './shown.ts'
import { TrendCache } from './trend-cache.ts'

/** What answering with lists stands on. */
export interface RecommendationServiceOptions {
  readonly lists: Pick<ListStore, 'get'>
  readonly items: ItemTable
  readonly decisions: Pick<DecisionLog, 'add'>
  readonly clock: Clock
  /** Absent = everybody gets their own list. */
  readonly experiments?: ExperimentTable
  /** Counts showings of imported lists; nothing is counted by default. */
  readonly metrics?: Pick<Metrics, 'counter'>
  /** Signs page cursors: the same on every copy behind a balancer. Random by default, good for a single process. */
  readonly cursorSecret?: string
  /** Makes ids of decisions and trend lists; random UUIDs by default, a counter for runs that must repeat. */
  readonly newId?: () => string
  /** How old a trend list may be, ms; 200 by default. */
  readonly trendAgeMsMax?: number
}

export interface RecommendRequest {
  /** 1–128 bytes. */
  readonly userId: string
  readonly surface: string
  /** Slots to fill, 1–50. */
  readonly count: number
  /** From an earlier page. */
  readonly cursor?: string | undefined
  /** Region of somebody nobody knows yet. */
  readonly region?: string | undefined
  /** What it is shown on, for experiments on some devices only. */
  readonly device?: Device | undefined
  /** When it is shown, ms; now by default. */
  readonly timeMs?: number | undefined
  /** False for a look that nobody is shown: no decision is logged. True by default. */
  readonly logDecision?: boolean | undefined
}

/** A list before paging: best first, what is for sale now. */
interface Ranking
  extends Omit<
    Shown,
    'items' | 'nextCursor' | 'decisionId' | 'experiment' | 'variant' | 'assignments' | 'userId' | 'surface' | 'timeMs'
  > {
  readonly ranked: Iterable<RecommendedItem>
  /** Spare items after them, read only when a page gets that far. */
  readonly spares: () => readonly RecommendedItem[]
  /** The variant whose settings made it; null where none had a say. */
  readonly made: Assignment | null
  /** What the models saw, read only for a decision. */
  readonly snapshot: () => ServedSnapshot | null
}

/**
 * Answers with the list made beforehand: one store read, live stock and price from the item table, spare items for what is
 * gone, and a decision for everything shown. It computes nothing, so a crowd cannot overload it. Stateless: any copy answers
 * any page. Usable without HTTP.
 */
export class RecommendationService {
  readonly #options: RecommendationServiceOptions
  readonly #cursors: PageCursors
  readonly #trends: TrendCache
  readonly #lists: GatheredLists
  readonly #newId: () => string
  readonly #importedShowings: Counter

  constructor(options: RecommendationServiceOptions) {
    this.#options = options
    this.#cursors = new PageCursors(options.cursorSecret ?? randomBytes(32))
    this.#lists = new GatheredLists(options.lists)
    this.#trends = new TrendCache(options.lists, options.clock, options.trendAgeMsMax)
    this.#newId = options.newId ?? (() => randomUUID())
    this.#importedShowings = (options.metrics ?? silentMetrics).counter(
      'millrace_imported_showings_total',
      'First pages for people of variants with imported lists: what they were shown. none = the vendor had nothing, so the trend list.',
    )
  }

  /**
   * The next `count` items for a person; fewer, or none, when the catalogue holds no more. Errors: `MILL_REQUEST_INVALID` (count,
   * cursor), `MILL_STORE_UNAVAILABLE`, `MILL_BUFFER_FULL` (the decision could not be logged, so nothing may be shown).
   */
  async recommend(request: RecommendRequest): Promise<Shown> {
    const { userId, surface, count } = request
    if (!Number.isInteger(count) || count < 1 || count > 50)
      throw new MillraceError('MILL_REQUEST_INVALID', `count is ${count}; it must be 1–50`, { details: { field: 'count' } })
    const page = request.cursor ? this.#cursors.decode(request.cursor, userId, surface) : null
    const timeMs = request.timeMs ?? this.#options.clock.nowMs()
    const { experiments } = this.#options
    const assigned = assignExperiments(experiments?.running ?? [], { ...request, timeMs })
    const ranking = (await this.#chosen(request, assigned.policy, page)) ?? (await this.#trending(request.region, timeMs, page))
    const { assignments, deciding } = shownUnder(assigned, ranking)
    const { items, nextCursor } = this.#page(ranking, request, page)
    const { ranked: _, spares: __, snapshot, made: ___, ...list } = ranking
    const logs = request.logDecision !== false && items.length > 0
    const decisionId = logs ? this.#newId() : null
    const shown = {
      ...list,
      userId,
      surface,
      timeMs,
      decisionId,
      experiment: deciding?.experiment ?? null,
      variant: deciding?.variant ?? null,
      assignments,
      items,
      nextCursor,
    }
    if (decisionId !== null) this.#options.decisions.add(decisionOf(shown, decisionId, snapshot()))
    return shown
  }

  /** The list of the policy that an experiment chose; null where it has none for this person. */
  async #chosen(request: RecommendRequest, policy: ExperimentPolicy | null, page: PagePosition | null): Promise<Ranking | null> {
    if (policy === 'trend') return null
    return policy === null || policy === 'learned' ? this.#own(request) : this.#imported(request, policy, page)
  }

  async #own({ userId, surface, count }: RecommendRequest): Promise<Ranking | null> {
    const [listText, reserveText, snapshotText] = await this.#lists.get([
      listKeys.recommendations(userId, surface),
      listKeys.reserve(userId, surface),
      listKeys.snapshot(userId, surface),
    ])
    // One more than the page tells whether there is another.
    const list = readServedList(listText ?? null, count + 1)
    if (!list) return null
    return {
      ...list,
      // A list that an older version wrote has no such field.
      exploration: list.exploration ?? null,
      made: list.made ?? null,
      // Companions of another list may be seen between two writes where the store cannot read all keys at one moment.
      ranked: list.items,
      spares: () => {
        const reserve = decodeServed<ServedReserve>(reserveText ?? null)
        return reserve?.listId === list.listId ? reserve.items : []
      },
      snapshot: () => {
        const snapshot = decodeServed<ServedSnapshot>(snapshotText ?? null)
        return snapshot?.listId === list.listId ? snapshot : null
      },
    }
  }

  /** The list of another vendor, as it would show it itself: neither rules nor exploration touch it. */
  async #imported(request: RecommendRequest, policy: ImportedPolicy, page: PagePosition | null): Promise<Ranking | null> {
    const found = await readImportedList(this.#lists, { ...request, policy }, (itemId) => this.#forSale(itemId) !== null)
    if (page === null && request.logDecision !== false) this.#importedShowings.add(1, { policy, list: found?.source ?? 'none' })
    return (
      found && {
        // It may lie there for weeks: as with trend lists each first page is a list of its own.
        ...plainRanking(page?.listId ?? `imported-${this.#newId()}`),
        policy,
        policyVersion: String(found.importedMs),
        rung: 'imported',
        generatedMs: found.importedMs,
        watermarkMs: found.importedMs,
        ranked: found.items,
      }
    )
  }

  /** The answer for who is not known yet, and for the experiment's control group (features.md F6.1). */
  async #trending(region: string | undefined, timeMs: number, page: PagePosition | null): Promise<Ranking> {
    const trend = await this.#trends.firstOf(region ? [`region:${region}`, 'all'] : ['all'])
    return {
      // A list of its own for each first page, so that clicks can be told apart.
      ...plainRanking(page?.listId ?? `trend-${this.#newId()}`),
      policy: 'trend',
      policyVersion: '1',
      rung: 'trend',
      generatedMs: timeMs,
      watermarkMs: trend?.watermarkMs ?? 0,
      ranked: trend ? trendRanking(trend) : [],
    }
  }

  #page(ranking: Ranking, request: RecommendRequest, page: PagePosition | null): Pick<Shown, 'items' | 'nextCursor'> {
    const shown = new Set(page?.shown)
    const offset = page?.offset ?? 0
    const items: ShownItem[] = []
    let more = false
    for (const entry of entriesOf(ranking)) {
      const hash = shownHash(entry.itemId)
      if (shown.has(hash)) continue
      const item = this.#forSale(entry.itemId)
      if (item === null) continue
      more = items.length === request.count
      if (more) break
      shown.add(hash)
      items.push({ ...entry, position: offset + items.length, item })
    }
    if (!more || shown.size > shownMax) return { items, nextCursor: null }
    const next = { listId: ranking.listId, offset: offset + items.length, shown: [...shown] }
    return { items, nextCursor: this.#cursors.encode(next, request.userId, request.surface) }
  }

  #forSale(itemId: string): Item | null {
    const item = this.#options.items.get(itemId)
    return item && item.stock !== 0 ? item : null
  }
}

/**
 * The assignments that the list shown bears out: one that was made before the experiment began, or under other settings, shows nothing of
 * its variant. Lists are made anew at the same events in every variant, so that leaves people out of all alike.
 */
function shownUnder({ assignments, deciding, made }: Assigned, ranking: Ranking): Pick<Assigned, 'assignments' | 'deciding'> {
  if (made === null) return { assignments, deciding }
  const { experiment, variant } = made
  if (ranking.made?.experiment === experiment.id && ranking.made.variant === variant.name) return { assignments, deciding }
  const others = assignments.filter((other) => other.experiment !== experiment.id)
  return { assignments: others, deciding: others[0] ?? null }
}

/** What holds of a list that no model of ours made. */
function plainRanking(listId: string) {
  return {
    listId,
    modelVersion: '',
    seed: '',
    exploration: null,
    made: null,
    spares: () => [],
    snapshot: () => null,
  }
}

/** Best first: the list, then its spares. */
function* entriesOf({ ranked, spares }: Ranking): Generator<RecommendedItem> {
  yield* ranked
  yield* spares()
}

function trendRanking(trend: ServedTrend): RecommendedItem[] {
  const scope = trend.scope.replace(/^scope:/, '')
  return trend.items.map(({ itemId, popularity }) => ({
    itemId,
    score: popularity,
    sources: ['popular'],
    reason: {
      code: scope === 'all' ? 'popular' : 'trending',
      itemId: null,
      scope: scope === 'all' ? null : scope.replace(/^[a-z]+:/, ''),
    },
    propensity: 1,
    explored: false,
  }))
}
