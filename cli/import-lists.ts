import { type ImportedLists, importedLists, type RefusedLine } from '../connectors/files/imported-lists.ts'
import { MillraceError } from '../core/errors.ts'
import type { ListEntry } from '../ports/list-store.ts'
import type { ImportedItems, ListImport } from '../schemas/imported-list.ts'
import { importedPlace, listKeys, personOfList } from '../schemas/list-keys.ts'
import { decodeServed, encodeServed, versionOfServed } from '../schemas/served-list.ts'
import type { OpenPorts } from './compose.ts'

/** What lists are imported as, and where they are shown. */
export interface ImportTarget {
  readonly name: string
  readonly surface: string
}

/** What an import did. */
export interface ListImportReport extends Omit<ListImport, keyof ImportedItems> {
  /** Whether it has a list for everybody else. */
  readonly forAll: boolean
  /** The first lines that were refused. */
  readonly refused: readonly RefusedLine[]
}

const refusedToldMax = 10
const dayS = 86_400
const noItems: ImportedItems = { items: [], scores: null }

/**
 * Puts another vendor's lists of a file into the list store, a piece of the file per round trip, in place of those imported under that
 * name before: each list when it is written, and what is left of before once all are. Lines that are no list are left out and told. Of two
 * lists of one person the last stays. Errors: `MILL_IMPORT_INVALID` (the file, not one list in it, or a later import came first; what is
 * written by then is told), `MILL_STORE_UNAVAILABLE`.
 */
export async function importLists(
  { lists, clock }: Pick<OpenPorts, 'lists' | 'clock'>,
  path: string,
  { name, surface, days }: ImportTarget & { readonly days: number },
): Promise<ListImportReport> {
  const key = listKeys.listImport(surface, name)
  const before = await lists.get([key])
  const nowMs = clock.nowMs()
  // Later than the import before, whatever this machine's clock says.
  const epoch = Math.max(nowMs, versionOfServed(before[0] ?? null).epoch + 1)
  const ttlS = days * dayS
  const refused: RefusedLine[] = []
  let [position, refusedLines] = [0, 0]
  let forAll = noItems
  const entryOf = (to: string, value: Parameters<typeof encodeServed>[1]): ListEntry => {
    const version = { epoch, position: ++position }
    return { key: to, value: encodeServed(version, value), version, ttlS }
  }
  const take = async (piece: ImportedLists): Promise<void> => {
    const entries: ListEntry[] = []
    for (const { userId, items, scores } of piece.lists) {
      if (userId === null) forAll = { items, scores }
      else entries.push(entryOf(listKeys.imported(userId, surface, name), { userId, items, scores }))
    }
    refusedLines += piece.refused.length
    refused.push(...piece.refused.slice(0, refusedToldMax - refused.length))
    if ((await lists.swap(entries)).includes(false)) throw outrun(name)
  }
  try {
    for await (const piece of importedLists(path)) await take(piece)
  } catch (error) {
    throw error instanceof MillraceError && position > 0 ? halfway(error, position) : error
  }
  if (position === 0 && forAll.items.length === 0) throw nothing(path, refused[0])
  const told = { name, surface, lists: position, refusedLines, importedMs: nowMs, expiresMs: nowMs + ttlS * 1000 }
  if ((await lists.swap([entryOf(key, { ...told, ...forAll })])).includes(false)) throw outrun(name)
  return { ...told, forAll: forAll.items.length > 0, refused }
}

/** Takes imported lists away: at once from the people, then list by list; how many persons' there were. Errors: `MILL_NOT_FOUND`. */
export async function removeImport({ lists }: Pick<OpenPorts, 'lists'>, { name, surface }: ImportTarget): Promise<number> {
  const key = listKeys.listImport(surface, name)
  if ((await lists.get([key]))[0] === null)
    throw new MillraceError('MILL_NOT_FOUND', `nothing is imported as ${name} for the surface ${surface}`)
  await lists.remove([key])
  let count = 0
  for await (const keys of lists.scan('recs:{')) {
    const own = keys.filter((one) => personOfList(one, importedPlace(surface, name)) !== null)
    await lists.remove(own)
    count += own.length
  }
  return count
}

/** What is imported under a name; null for nothing, or no more. Errors: `MILL_STORE_UNAVAILABLE`. */
export async function readImport(
  { lists }: Pick<OpenPorts, 'lists'>,
  { name, surface }: ImportTarget,
): Promise<ListImport | null> {
  const [text] = await lists.get([listKeys.listImport(surface, name)])
  return decodeServed<ListImport>(text ?? null)
}

function outrun(name: string): MillraceError {
  return new MillraceError(
    'MILL_IMPORT_INVALID',
    `another import as ${name} began later: its lists stay, import these again if they shall`,
  )
}

function halfway(error: MillraceError, lists: number): MillraceError {
  return new MillraceError(error.code, `${error.message}; up to ${lists} lists of before it may be written: import again`, {
    cause: error,
  })
}

function nothing(path: string, first: RefusedLine | undefined): MillraceError {
  const why = first ? `; ${first.file}:${first.line}: ${first.reason}` : ''
  return new MillraceError('MILL_IMPORT_INVALID', `there is no list in "${path}"${why}`)
}
