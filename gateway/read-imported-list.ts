import type { ListStore } from '../ports/list-store.ts'
import { type ImportedItems, type ImportedList, importedName, type ListImport } from '../schemas/imported-list.ts'
import { listKeys } from '../schemas/list-keys.ts'
import type { RecommendedItem } from '../schemas/recommendation.ts'
import { decodeServed, versionOfServed } from '../schemas/served-list.ts'

/** Whose list it is: the person's own, or the vendor's for everybody else. */
export type ImportedSource = 'imported' | 'imported_for_all'

/** Another vendor's list for a person. */
export interface ReadImport {
  readonly source: ImportedSource
  readonly importedMs: number
  readonly items: RecommendedItem[]
}

/** Whom a list is wanted for, and the policy that names the import. */
export interface ImportedQuery {
  readonly userId: string
  readonly surface: string
  readonly policy: string
}

/**
 * The list that another vendor has for a person, or else for everybody; null where neither shows anything that is for sale: to show
 * nothing would be no showing, and would count only people for whom the vendor has something. Errors: `MILL_STORE_UNAVAILABLE`.
 */
export async function readImportedList(
  lists: Pick<ListStore, 'get'>,
  { userId, surface, policy }: ImportedQuery,
  isForSale: (itemId: string) => boolean,
): Promise<ReadImport | null> {
  const name = importedName(policy)
  if (name === null) return null
  const keys = [listKeys.listImport(surface, name), listKeys.imported(userId, surface, name)]
  const [importText = null, ownText = null] = await lists.get(keys)
  const all = decodeServed<ListImport>(importText)
  if (!all) return null
  const isOfImport = versionOfServed(ownText).epoch >= versionOfServed(importText).epoch
  const own = isOfImport ? decodeServed<ImportedList>(ownText) : null
  const { importedMs } = all
  if (own?.items.some(isForSale)) return { source: 'imported', importedMs, items: entriesOf(own, 'imported') }
  return all.items.some(isForSale) ? { source: 'imported_for_all', importedMs, items: entriesOf(all, 'imported_for_all') } : null
}

function entriesOf({ items, scores }: ImportedItems, source: ImportedSource): RecommendedItem[] {
  return items.map((itemId, index) => ({
    itemId,
    score: scores?.[index] ?? 0,
    sources: [source],
    reason: { code: 'imported', itemId: null, scope: null },
    propensity: 1,
    explored: false,
  }))
}
