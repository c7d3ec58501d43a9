import type { RecommendedItem } from '../schemas/recommendation.ts'
import { decodeServed, type ServedList } from '../schemas/served-list.ts'

/** A stored list of which only as many items are read as somebody walks over. */
export type ReadList = Omit<ServedList, 'items'> & { readonly items: Iterable<RecommendedItem> }

const itemsField = '"items":['
const rulesField = '"rules":['
const betweenItems = ',{"itemId":'

/**
 * Reads a list as `encodeServed` writes it, its items `pageSize` at a time as they are wanted: a page of 10 out of 50 costs less
 * than half. Text in any other order of fields is read whole. Null stays null. Errors: a SyntaxError where the text is no JSON,
 * for its items once they are wanted.
 */
export function readServedList(text: string | null, pageSize: number): ReadList | null {
  if (text === null) return null
  // Inside a JSON string every quote follows a backslash, so no mark can be part of a value.
  const field = text.indexOf(itemsField)
  const rules = text.indexOf(rulesField)
  // Rules are the other list of objects that a text could end with.
  if (field < 0 || rules < 0 || rules > field || !text.endsWith('}]}')) return decodeServed<ServedList>(text)
  const start = field + itemsField.length
  const head = JSON.parse(`${text.slice(0, start)}]}`) as ServedList
  return { ...head, items: { [Symbol.iterator]: () => itemsOf(text, start, pageSize) } }
}

function* itemsOf(text: string, start: number, pageSize: number): Generator<RecommendedItem> {
  const last = text.length - ']}'.length
  for (let from = start; from < last; ) {
    let to = from
    for (let count = 0; count < pageSize && to < last; count++) {
      const next = text.indexOf(betweenItems, to + 1)
      to = next < 0 ? last : next
    }
    yield* JSON.parse(`[${text.slice(from, to)}]`) as RecommendedItem[]
    from = to + 1
  }
}
