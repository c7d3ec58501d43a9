import { MillraceError } from '../core/errors.ts'
import type { ListStore } from '../ports/list-store.ts'
import { listKeys } from '../schemas/list-keys.ts'
import type { RecommendedItem } from '../schemas/recommendation.ts'
import { decodeServed, type ServedList, type ServedReserve, type ServedSnapshot, wordReason } from '../schemas/served-list.ts'
import { unpackRow } from '../schemas/served-rows.ts'
import type { UserFeatures } from '../schemas/user-features.ts'
import { type ContributionOptions, featureContributions, type ScoreExplanation } from './feature-contributions.ts'

/** A stored list with what was stored beside it. */
export interface StoredList {
  readonly list: ServedList
  readonly reserve: readonly RecommendedItem[]
  /** Ranker rows by item: those of the first places; empty where the list has no features. */
  readonly rows: ReadonlyMap<string, Float32Array>
}

/** One item of a stored list and why it is there. */
export interface ExplainedItem extends RecommendedItem {
  /** Place from 0 in the list, or in the reserve. */
  readonly place: number
  readonly inReserve: boolean
  /** The reason in words. */
  readonly because: string
  /** The person's newest touch of the item that the reason follows from. */
  readonly follows: { readonly itemId: string; readonly type: string; readonly timeMs: number } | null
  /** Null where no features were stored for it: behind the first 20 places, in the reserve, and on the rung `session`. */
  readonly explanation: ScoreExplanation | null
}

/** Reads a person's list, reserve and snapshot; null if there is no list. */
export async function readStoredList(lists: ListStore, userId: string, surface: string): Promise<StoredList | null> {
  const [listText, reserveText, snapshotText] = await lists.get([
    listKeys.recommendations(userId, surface),
    listKeys.reserve(userId, surface),
    listKeys.snapshot(userId, surface),
  ])
  const list = decodeServed<ServedList>(listText ?? null)
  if (!list) return null
  const reserve = decodeServed<ServedReserve>(reserveText ?? null)
  const snapshot = decodeServed<ServedSnapshot>(snapshotText ?? null)
  const rows = snapshot?.listId === list.listId ? snapshot : { features: {} }
  return {
    list,
    reserve: reserve?.listId === list.listId ? reserve.items : [],
    rows: new Map(Object.keys(rows.features).map((itemId) => [itemId, floatsOf(unpackRow(rows, itemId)!)])),
  }
}

/** The little-endian float32 numbers of some bytes, wherever these lie in memory. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer) // A Buffer is a view, and its slice too.
}

/**
 * Why each item of a stored list is on it; with `only` that one, reserve included. Contributions are against the mean of all rows of
 * the list's snapshot. Errors: `MILL_NOT_FOUND` if `only` is neither on the list nor in its reserve; those of `featureContributions`.
 */
export async function explainList(
  { list, reserve, rows }: StoredList,
  features: UserFeatures | null,
  options: Pick<ContributionOptions, 'scorer' | 'model' | 'forestOf' | 'draws'> & { readonly only: string | undefined },
): Promise<readonly ExplainedItem[]> {
  const { rung, modelVersion } = list
  const background = new Float32Array([...rows.values()].flatMap((row) => [...row]))
  const places = [
    ...list.items.map((item, place) => ({ item, place, inReserve: false })),
    ...(options.only === undefined ? [] : reserve.map((item, place) => ({ item, place, inReserve: true }))),
  ].filter(({ item }) => options.only === undefined || item.itemId === options.only)
  if (options.only !== undefined && places.length === 0)
    throw new MillraceError(
      'MILL_NOT_FOUND',
      `${options.only} is not on the list of ${list.userId} on ${list.surface}, nor in its reserve; --why-not ${options.only} says where it ended`,
    )
  const explained: ExplainedItem[] = []
  for (const { item, place, inReserve } of places) {
    const row = inReserve ? undefined : rows.get(item.itemId)
    const explanation = row
      ? await featureContributions(row, background, { ...options, rung, modelVersion, seed: `${list.listId} ${item.itemId}` })
      : null
    const because = wordReason(item.reason, (itemId) => itemId)
    explained.push({ ...item, place, inReserve, because, follows: followed(item, features), explanation })
  }
  return explained
}

function followed({ reason }: RecommendedItem, features: UserFeatures | null): ExplainedItem['follows'] {
  const touch = features?.recent.find(({ itemId }) => itemId === reason.itemId)
  return touch ? { itemId: touch.itemId, type: touch.type, timeMs: touch.timeMs } : null
}
