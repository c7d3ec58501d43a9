import type { ListEntry } from '../ports/list-store.ts'
import type { Item } from '../schemas/item.ts'
import { listKeys } from '../schemas/list-keys.ts'
import { type RecommendedItem, reasonCodes } from '../schemas/recommendation.ts'
import { encodeServed, type ServedList } from '../schemas/served-list.ts'
import { base64Of, packRows } from '../schemas/served-rows.ts'

/** Items of the catalogue that lists are made of. */
export const storedItems = 2_000
/** What one list has in production: items, spares, and model inputs of the first ones. */
const listItems = 50
const spareItems = 20
const snapshotItems = 20
/** Columns of a row, those of them that differ between the items of a list, and the user tower's. */
const rowColumns = 132
const varyingColumns = 40
const contextColumns = 64

/** A list as the engine writes it where nothing explores, with its spares and its model inputs, for person number `user`. */
export function storedList(user: number, position: number): ListEntry {
  const userId = userIdOf(user)
  const listId = `${user % 16}-${position}`
  const version = { epoch: 1, position }
  const items = Array.from({ length: listItems + spareItems }, (_, index) => recommended(user, index))
  const nowMs = 1_800_000_000_000 + user
  const list: ServedList = {
    listId,
    userId,
    surface: 'home',
    generatedMs: nowMs,
    watermarkMs: nowMs - 12,
    loggedMs: nowMs - 8,
    policy: 'learned',
    policyVersion: '1',
    exploration: null,
    made: null,
    seed: `${listId}:${userId}`,
    rung: 'ranker',
    modelVersion: '1',
    personalShare: 1,
    rules: [],
    items: items.slice(0, listItems),
  }
  const rowOf = (item: number) =>
    Float32Array.from({ length: rowColumns }, (_, column) => (column < varyingColumns ? user + item + column : user + column))
  const rows = packRows(new Map(items.slice(0, snapshotItems).map(({ itemId }, item) => [itemId, rowOf(item)])))
  const context = base64Of(new Float32Array(contextColumns).fill(user))
  return {
    key: listKeys.recommendations(userId, 'home'),
    value: encodeServed(version, list),
    companions: [
      { key: listKeys.reserve(userId, 'home'), value: encodeServed(version, { listId, items: items.slice(listItems) }) },
      { key: listKeys.snapshot(userId, 'home'), value: encodeServed(version, { listId, context, ...rows }) },
    ],
    version,
    ttlS: 30 * 86_400,
  }
}

/** Id of person number `user`. */
export function userIdOf(user: number): string {
  return `user-${user}`
}

/** Item number `index` of the catalogue. */
export function storedItem(index: number): Item {
  return {
    itemId: `item-${index}`,
    title: `A thing of kind ${index % 40}, number ${index}`,
    description: '',
    category: ['home', `kind-${index % 40}`],
    tags: [],
    brand: `brand-${index % 60}`,
    price: 5 + (index % 200),
    margin: 1,
    stock: 10,
    createdMs: 0,
    imageUrl: `/pictures/${index}.jpg`,
    listPrice: null,
    sellerRating: null,
    releasedMs: null,
  }
}

function recommended(user: number, index: number): RecommendedItem {
  const score = 1 / (1.37 + index + (user % 97) / 97)
  return {
    itemId: `item-${(user * 31 + index * 7) % storedItems}`,
    score,
    sources: ['session', 'together', 'two_tower'].slice(0, 1 + (index % 3)),
    reason: { code: reasonCodes[index % reasonCodes.length]!, itemId: `item-${user % storedItems}`, scope: null },
    propensity: index === 4 ? 0.05 : 1,
    explored: index === 4,
  }
}
