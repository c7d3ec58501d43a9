import type { ImportedList, ListImport } from './imported-list.ts'
import type { Reason, Recommendation, RecommendedItem } from './recommendation.ts'
import type { ServedRows } from './served-rows.ts'

/** What a front end reads with one GET under `recs:{user}:surface`: the recommendation itself, as JSON instead of Avro. */
export type ServedList = Recommendation

/** Ranked spare items under `recs:{user}:surface:reserve`. */
export interface ServedReserve {
  readonly listId: string
  readonly items: readonly RecommendedItem[]
}

/** Model inputs of the list under `recs:{user}:surface:snapshot`, so that a decision logs what the model saw. */
export interface ServedSnapshot extends ServedRows {
  readonly listId: string
  /** Base64 of little-endian float32: the user tower's input. */
  readonly context: string
}

/** Neighbours of an item under `similar:{item}` and `together:{item}`. */
export interface ServedNeighbours {
  readonly itemId: string
  readonly items: readonly { readonly itemId: string; readonly weight: number }[]
  readonly watermarkMs: number
}

/** Popular and trending items of a scope under `trend:<scope>`. */
export interface ServedTrend {
  readonly scope: string
  readonly items: readonly { readonly itemId: string; readonly popularity: number; readonly trend: number }[]
  readonly watermarkMs: number
}

type Served = ServedList | ServedReserve | ServedSnapshot | ServedNeighbours | ServedTrend | ImportedList | ListImport

/** The order in which served values replace each other; see ports/list-store.ts. */
interface ServedVersion {
  readonly epoch: number
  readonly position: number
}

/** What the text of a served value of this version begins with. */
export function versionHead({ epoch, position }: ServedVersion): string {
  return `{"version":[${epoch},${position}]`
}

/** JSON text whose first field is the version, as the list store's guarded swap needs it. */
export function encodeServed(version: ServedVersion, value: Served): string {
  return `${versionHead(version)},${JSON.stringify(value).slice(1)}`
}

/** The version of a text written by `encodeServed`; zeros where there is none. */
export function versionOfServed(text: string | null): ServedVersion {
  const [, epoch, position] = /^\{"version":\[(\d+),(\d+)\]/.exec(text ?? '') ?? []
  return { epoch: Number(epoch ?? 0), position: Number(position ?? 0) }
}

/** The event time in a list's text, ms; 0 where there is none. */
export function watermarkOfServed(text: string): number {
  return Number(/"watermarkMs":(\d+)/.exec(text)?.[1] ?? 0)
}

/** What begins an item's object: inside a JSON string every quote follows a backslash. */
const itemHead = '{"itemId":"'
/** The same, and its id as it was written. */
const itemStart = new RegExp(`\\${itemHead}((?:[^"\\\\]|\\\\.)*)"`, 'g')

/** The ids of the items in a list's or a reserve's text, in order, without reading the rest. */
export function itemIdsOf(text: string): string[] {
  return Array.from(text.matchAll(itemStart), ([, id]) => (id!.includes('\\') ? (JSON.parse(`"${id}"`) as string) : id!))
}

/** Where in a list's text the objects of its items begin. */
export function itemStartsOf(text: string): number[] {
  const starts: number[] = []
  for (let at = text.indexOf(itemHead); at >= 0; at = text.indexOf(itemHead, at + itemHead.length)) starts.push(at)
  return starts
}

/** Reads JSON written by `encodeServed`; null stays null. */
export function decodeServed<T extends Served>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T)
}

/** A reason in plain words, for terminals and consoles; `titleOf` names an item. */
export function wordReason(reason: Reason, titleOf: (itemId: string) => string): string {
  const follows = reason.itemId === null ? '' : titleOf(reason.itemId)
  switch (reason.code) {
    case 'similar_session':
      return follows ? `people who looked at ${follows} went on to it` : 'people in a similar session went on to it'
    case 'seen_together':
      return `often seen with ${follows}`
    case 'people_like_you':
      return 'people who like what you like also liked it'
    case 'bought_together':
      return `often bought with ${follows}`
    case 'popular_in_category':
      return `popular in ${reason.scope ?? 'your category'}`
    case 'popular_in_group':
      return 'popular among people of your age and region'
    case 'trending':
      return `trending${reason.scope ? ` in ${reason.scope}` : ' now'}`
    case 'popular':
      return 'popular now'
    case 'like_what_you_read':
      return follows ? `reads like ${follows}` : 'reads like what you looked at'
    case 'matches_your_taste':
      return 'matches your taste'
    case 'exploring':
      return 'new to you: we are trying it'
    case 'imported':
      return 'chosen by another recommender'
    case 'promoted':
      return 'put here by the shop'
  }
}
