import type { StoredList } from './explain-list.ts'
import type { WhyNot } from './why-not.ts'

/** How a stored list stands to an item that was followed now. */
export interface SinceWritten {
  readonly listId: string
  /** The item's place in the list, and in its reserve; null where it is not. */
  readonly place: number | null
  readonly reserve: number | null
  /** Places that hold the same item in the stored list and in the one made now. */
  readonly same: number
  readonly of: number
  /** What has changed for the item since the list was written; '' if nothing has. */
  readonly since: string
}

/** Compares what is stored with the list made now. */
export function sinceWritten({ list, reserve }: StoredList, found: Pick<WhyNot, 'itemId' | 'end' | 'items'>): SinceWritten {
  const placeIn = (items: readonly { readonly itemId: string }[]): number | null => {
    const at = items.findIndex(({ itemId }) => itemId === found.itemId)
    return at < 0 ? null : at
  }
  const [place, spare] = [placeIn(list.items), placeIn(reserve)]
  return {
    listId: list.listId,
    place,
    reserve: spare,
    same: list.items.filter(({ itemId }, at) => found.items[at] === itemId).length,
    of: list.items.length,
    since: changeOf(place !== null || spare !== null, place !== null, found.end),
  }
}

function changeOf(isStored: boolean, isListed: boolean, end: string): string {
  // What is withdrawn or sold out is looked up when a list is shown; all else waits for the next list.
  if (isStored && end === 'catalogue') return 'it went after the list was written: the list is shown without it'
  if (isListed && end !== 'list') return 'it went after the list was written: the next list will be without it'
  if (!isListed && end === 'list') return 'it came after the list was written: the next list will have it'
  return ''
}
