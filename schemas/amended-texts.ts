import type { RuleEffect } from './recommendation.ts'

/** An item that leaves a list, and where in its text it lies: both cost time only where they are wrong by later edits. */
export interface RemovedItem {
  readonly itemId: string
  /** About where, as a share of the text (0–1). */
  readonly near: number
  /** The bytes it took when this version was written, with the comma before it. */
  readonly bytes?: { readonly from: number; readonly count: number }
}

/** What changes in a served list; items are named by their ids. */
export interface ListEdits {
  /** Items that leave the list. */
  readonly removed: readonly RemovedItem[]
  /**
   * Items of the reserve, or of the list itself, that come to stand elsewhere: all are taken out, then each is set before another one of
   * the list (null: at its end), one after the other.
   */
  readonly placed: readonly { readonly itemId: string; readonly before: string | null }[]
  /** What is told in the list's `rules`, unless these very effects are told there already. */
  readonly effects: readonly RuleEffect[]
}

/** A list's text and its reserve's; '' where there is none. */
export interface ListTexts {
  readonly list: string
  readonly reserve: string
}

const nextItem = ',{"itemId":'
const rulesField = '"rules":['
const end = ']}'

/**
 * Edits a list and its reserve as `encodeServed` wrote them, without reading them: an item may leave 100,000 lists of 14 KB at once.
 * What goes leaves a gap of spaces, so that only those bytes are written; the next list has no gaps. No other byte changes, and the
 * same edits again change nothing that a reader sees. connectors/redis/amend.lua does
 * the same inside Redis; the conformance of list stores holds them together.
 */
export function amendedTexts(texts: ListTexts, { removed, placed, effects }: ListEdits): ListTexts {
  let { list, reserve } = texts
  for (const { itemId } of removed) list = taken(list, itemMark(itemId)).text
  const coming: { readonly item: string; readonly before: string | null }[] = []
  for (const { itemId, before } of placed) {
    const spare = taken(reserve, itemMark(itemId))
    const own = spare.item === '' ? taken(list, itemMark(itemId)) : { text: list, item: spare.item }
    list = own.text
    reserve = spare.text
    if (own.item !== '') coming.push({ item: own.item, before })
  }
  for (const { item, before } of coming) list = put(list, item, before === null ? '' : itemMark(before))
  return { list: told(list, effectsText(effects)), reserve }
}

/** What an item's object begins with: inside a JSON string every quote follows a backslash, so it can be part of no value. */
export function itemMark(itemId: string): string {
  return `{"itemId":${JSON.stringify(itemId)}`
}

/** Effects as they stand between the brackets of `rules`. */
export function effectsText(effects: readonly RuleEffect[]): string {
  return effects.map((effect) => JSON.stringify(effect)).join()
}

/** The text with a gap where the item that begins with a mark was, and that item; '' if it is not there. */
function taken(text: string, mark: string): { readonly text: string; readonly item: string } {
  const at = text.indexOf(mark)
  const next = text.indexOf(nextItem, at + 1)
  if (at < 0 || (next < 0 && !text.endsWith(end))) return { text, item: '' }
  const to = next < 0 ? text.length - end.length : next
  const item = text.slice(at, to).trimEnd()
  // One comma goes with it: that before it, or, of the first, that behind.
  const [first, last] = text[at - 1] === ',' ? [at - 1, to] : [at, next < 0 ? to : to + 1]
  return { text: text.slice(0, first) + ' '.repeat(last - first) + text.slice(last), item }
}

/** The text with an item before the one that begins with a mark; at the end if there is none. */
function put(text: string, item: string, mark: string): string {
  if (!text.endsWith(end)) return text
  const at = mark === '' ? -1 : text.indexOf(mark)
  if (at >= 0) return `${text.slice(0, at)}${item},${text.slice(at)}`
  const items = text.slice(0, -end.length)
  return `${items}${items.trimEnd().endsWith('[') ? '' : ','}${item}${end}`
}

function told(text: string, effects: string): string {
  const field = text.indexOf(rulesField)
  if (field < 0 || effects === '' || text.includes(effects) || !text.endsWith(end)) return text
  const at = field + rulesField.length
  return `${text.slice(0, at)}${effects}${text[at] === ']' ? '' : ','}${text.slice(at)}`
}
