import { type Clock, systemClock } from '../../core/clock.ts'
import { invariant } from '../../core/invariant.ts'
import type { ListAmendment, ListEntry, ListStore } from '../../ports/list-store.ts'
import { amendedTexts } from '../../schemas/amended-texts.ts'
import { versionHead } from '../../schemas/served-list.ts'
import type { EmbeddedDatabase } from './database.ts'

const table = `
  CREATE TABLE IF NOT EXISTS lists (
    key TEXT PRIMARY KEY, epoch INTEGER NOT NULL, position INTEGER NOT NULL, value TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS lists_expires ON lists (expires) WHERE expires > 0`

const swapSql = `
  INSERT INTO lists (key, epoch, position, value, expires) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET epoch = excluded.epoch, position = excluded.position, value = excluded.value, expires = excluded.expires
  WHERE (excluded.epoch, excluded.position) > (lists.epoch, lists.position) OR lists.expires BETWEEN 1 AND ?`

const replaceSql = 'INSERT OR REPLACE INTO lists (key, epoch, position, value, expires) VALUES (?, ?, ?, ?, ?)'

const amendSql = 'UPDATE lists SET value = ? WHERE key = ?'

/** Keys that one step of a scan answers. */
const keysPerStep = 1_000

/** Expired lists removed at most by one `swap`. */
const sweepMax = 64

/** Served lists in the embedded file; one `swap` is one SQL transaction. */
export class EmbeddedListStore implements ListStore {
  readonly #database: EmbeddedDatabase
  readonly #clock: Clock

  constructor(database: EmbeddedDatabase, options: { readonly clock?: Clock } = {}) {
    this.#database = database
    this.#clock = options.clock ?? systemClock
    this.#guard('create the list table', () => database.execute(table))
  }

  async swap(entries: readonly ListEntry[]): Promise<readonly boolean[]> {
    for (const { key, value, version } of entries) {
      const head = versionHead(version)
      invariant(value.startsWith(head), `list "${key}" must begin with ${head}`)
    }
    if (entries.length === 0) return []
    return this.#guard('swap lists', () => this.#database.transaction(() => this.#swap(entries, this.#clock.nowMs())))
  }

  async amend(amendments: readonly ListAmendment[]): Promise<readonly boolean[]> {
    if (amendments.length === 0) return []
    return this.#guard('amend lists', () => this.#database.transaction(() => amendments.map((one) => this.#amend(one))))
  }

  async get(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#guard('read lists', () => this.#get(keys))
  }

  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    this.#guard('remove lists', () =>
      this.#database.transaction(() => {
        for (const key of keys) this.#database.run('DELETE FROM lists WHERE key = ?', key)
      }),
    )
  }

  async *scan(prefix: string): AsyncGenerator<readonly string[]> {
    const sql = 'SELECT key FROM lists WHERE key > ? AND (expires = 0 OR expires > ?) ORDER BY key LIMIT ?'
    // Keys with one prefix lie side by side in byte order; the prefix itself may be a key, and the text before it is not known.
    const first = this.#get([prefix])[0] === null ? [] : [prefix]
    for (let last = prefix, some = first; ; ) {
      const rows = this.#guard('list keys', () => this.#database.rows<[string]>(sql, last, this.#clock.nowMs(), keysPerStep))
      const keys = rows.map(([key]) => key).filter((key) => key.startsWith(prefix))
      some = [...some, ...keys]
      if (some.length > 0) yield some
      if (keys.length < keysPerStep) return
      last = keys.at(-1)!
      some = []
    }
  }

  /** Lets go of nothing: the file belongs to whoever opened it. */
  async close(): Promise<void> {}

  #swap(entries: readonly ListEntry[], nowMs: number): boolean[] {
    const swap = this.#database.prepare(swapSql)
    const replace = this.#database.prepare(replaceSql)
    const written = entries.map(({ key, value, companions, version: { epoch, position }, ttlS }) => {
      const expires = ttlS === 0 ? 0 : nowMs + ttlS * 1000
      if (Number(swap.run(key, epoch, position, value, expires, nowMs).changes) === 0) return false
      for (const companion of companions ?? []) replace.run(companion.key, epoch, position, companion.value, expires)
      return true
    })
    this.#database.run(
      'DELETE FROM lists WHERE key IN (SELECT key FROM lists WHERE expires > 0 AND expires <= ? LIMIT ?)',
      nowMs,
      sweepMax,
    )
    return written
  }

  #get(keys: readonly string[]): (string | null)[] {
    const nowMs = this.#clock.nowMs()
    const select = this.#database.prepare('SELECT value, expires FROM lists WHERE key = ?')
    return keys.map((key) => {
      const found = select.get(key) as unknown as [string, number] | undefined
      return found && (found[1] === 0 || found[1] > nowMs) ? found[0] : null
    })
  }

  #amend({ key, reserveKey, version, ...edits }: ListAmendment): boolean {
    const [list, reserve] = this.#get([key, reserveKey]) as [string | null, string | null]
    if (!list?.startsWith(versionHead(version))) return false
    const before = { list, reserve: reserve ?? '' }
    const after = amendedTexts(before, edits)
    const update = this.#database.prepare(amendSql)
    if (after.list !== before.list) update.run(after.list, key)
    if (after.reserve !== before.reserve) update.run(after.reserve, reserveKey)
    return true
  }

  #guard<T>(doing: string, work: () => T): T {
    return this.#database.guard('MILL_STORE_UNAVAILABLE', doing, work)
  }
}
