import { type ImportedLists, importedLists, type RefusedLine } from '../connectors/files/imported-lists.ts'
import { MillraceError } from '../core/errors.ts'
import type { ListEntry } from '../ports/list-store.ts'
import type { ImportedItems, ImportedList, ListImport } from '../schemas/imported-list.ts'
import { importedPlace, listKeys, personOfList } from '../schemas/list-keys.ts'
import { decodeServed, encodeServed, versionOfServed } from '../schemas/served-list.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/** What lists are imported as, and where they are shown. */
export interface ImportTarget {
  readonly name: string
  readonly surface: string
}

/** What an import did. */
export interface ListImportReport extends Omit<ListImport, keyof ImportedItems> {
  /** Whether it has a list for everybody else. */
  readonly forAll: boolean
  /** Items that its lists name, and those of them that the catalogue does not know, each as often as it is named. */
  readonly namedItems: number
  readonly unknownItems: number
  /** The first lines that were refused. */
  readonly refused: readonly RefusedLine[]
}

type Ports = Pick<OpenPorts, 'lists' | 'clock' | 'log' | 'wire'>

const refusedToldMax = 10
const dayS = 86_400

/**
 * Puts another vendor's lists of a file into the list store, a piece of the file per round trip, in place of those imported under that
 * name before: each list when it is written, and what is left of before once all are. Lines that are no list are left out and told. Of two
 * lists of one person the last stays. Holds a piece of the file and the ids of the catalogue. Errors: `MILL_IMPORT_INVALID` (the file, not
 * one list in it, or a later import came first; what is written by then is told), `MILL_STORE_UNAVAILABLE`, `MILL_LOG_UNAVAILABLE`.
 */
export async function importLists(
  ports: Ports,
  path: string,
  target: ImportTarget & { readonly days: number },
): Promise<ListImportReport> {
  const [before] = await ports.lists.get([listKeys.listImport(target.surface, target.name)])
  const nowMs = ports.clock.nowMs()
  // Later than the import before, whatever this machine's clock says.
  const epoch = Math.max(nowMs, versionOfServed(before ?? null).epoch + 1)
  const run = new ListImportRun(ports, target, epoch, await catalogueIds(ports))
  try {
    for await (const piece of importedLists(path)) await run.take(piece)
  } catch (error) {
    throw error instanceof MillraceError && run.written > 0 ? halfway(error, run.written) : error
  }
  return await run.finish(path, nowMs)
}

/** One import under way. */
class ListImportRun {
  readonly #ports: Ports
  readonly #target: ImportTarget & { readonly days: number }
  readonly #epoch: number
  readonly #catalogue: ReadonlySet<string>
  readonly #refused: RefusedLine[] = []
  #refusedLines = 0
  #namedItems = 0
  #unknownItems = 0
  #forAll: ImportedItems = { items: [], scores: null }
  /** Lists of persons so far. */
  written = 0

  constructor(ports: Ports, target: ImportTarget & { readonly days: number }, epoch: number, catalogue: ReadonlySet<string>) {
    this.#ports = ports
    this.#target = target
    this.#epoch = epoch
    this.#catalogue = catalogue
  }

  /** Writes the lists of a piece of the file. */
  async take({ lists, refused }: ImportedLists): Promise<void> {
    const { name, surface } = this.#target
    const entries: ListEntry[] = []
    for (const { userId, items, scores } of lists) {
      this.#namedItems += items.length
      for (const item of items) if (!this.#catalogue.has(item)) this.#unknownItems++
      if (userId === null) this.#forAll = { items, scores }
      else entries.push(this.#entryOf(listKeys.imported(userId, surface, name), { userId, items, scores }))
    }
    this.#refusedLines += refused.length
    this.#refused.push(...refused.slice(0, refusedToldMax - this.#refused.length))
    await this.#swap(entries)
  }

  /** Makes the import the one that holds. */
  async finish(path: string, importedMs: number): Promise<ListImportReport> {
    const forAll = this.#forAll.items.length > 0
    if (this.written === 0 && !forAll) throw nothing(path, this.#refused[0])
    const { name, surface, days } = this.#target
    const expiresMs = importedMs + days * dayS * 1000
    const lists = this.written
    const told = { name, surface, lists, refusedLines: this.#refusedLines, importedMs, expiresMs }
    await this.#swap([this.#entryOf(listKeys.listImport(surface, name), { ...told, ...this.#forAll })])
    return { ...told, forAll, namedItems: this.#namedItems, unknownItems: this.#unknownItems, refused: this.#refused }
  }

  #entryOf(key: string, value: ImportedList | ListImport): ListEntry {
    const version = { epoch: this.#epoch, position: ++this.written }
    return { key, value: encodeServed(version, value), version, ttlS: this.#target.days * dayS }
  }

  async #swap(entries: readonly ListEntry[]): Promise<void> {
    if ((await this.#ports.lists.swap(entries)).every(Boolean)) return
    const { name } = this.#target
    throw new MillraceError(
      'MILL_IMPORT_INVALID',
      `another import as ${name} began later: its lists stay; import these again if they shall`,
    )
  }
}

async function catalogueIds(ports: Ports): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const { key, value } of readTopic(ports, 'items')) {
    if (key === null) continue
    if (value === null) ids.delete(key)
    else ids.add(key)
  }
  return ids
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

function halfway(error: MillraceError, lists: number): MillraceError {
  return new MillraceError(error.code, `${error.message}; up to ${lists} lists of before it may be written: import again`, {
    cause: error,
  })
}

function nothing(path: string, first: RefusedLine | undefined): MillraceError {
  const why = first ? `; ${first.file}:${first.line}: ${first.reason}` : ''
  return new MillraceError('MILL_IMPORT_INVALID', `there is no list in "${path}"${why}`)
}
