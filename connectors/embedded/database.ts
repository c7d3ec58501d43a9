import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type ErrorCode, MillraceError } from '../../core/errors.ts'

/** Raised when the tables change in a way that an older program could not read. */
const formatVersion = 1

export interface EmbeddedDatabaseOptions {
  /** How long a writer waits for another process's transaction, in milliseconds; it blocks this thread meanwhile. 2,000 by default. */
  readonly busyMsMax?: number
}

/** Primary result codes that mean "the world is unwell"; everything else is a fault of our own. */
const unavailable = new Map([
  [3, 'permission denied'],
  [5, 'another process holds the write lock'],
  [6, 'a table is locked'],
  [7, 'out of memory'],
  [8, 'the file is read-only'],
  [10, 'disk I/O error'],
  [11, 'the file is damaged'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened'],
  [15, 'the locking protocol failed'],
  [26, 'the file is not a SQLite database'],
])

/**
 * One SQLite file shared by all embedded connectors: a connection, its prepared statements and its transactions.
 * Everything is synchronous; a transaction never spans an `await`.
 */
export class EmbeddedDatabase {
  readonly path: string
  readonly #sqlite: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #inTransaction = false

  /** Use {@link openEmbeddedDatabase}. */
  constructor(path: string, sqlite: DatabaseSync) {
    this.path = path
    this.#sqlite = sqlite
  }

  /** Runs SQL text that has no parameters and no result: tables and pragmas. */
  execute(sql: string): void {
    this.#sqlite.exec(sql)
  }

  /** The prepared statement of a text, made once; `sql` must be a constant, the cache is not bounded. Rows come as arrays. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#sqlite.prepare(sql)
      statement.setReturnArrays(true)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** All rows of a query, each an array of its columns, typed by the caller. */
  rows<Row extends readonly unknown[]>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.prepare(sql).all(...values) as unknown as Row[]
  }

  /** The first row of a query, or null. */
  row<Row extends readonly unknown[]>(sql: string, ...values: SQLInputValue[]): Row | null {
    return (this.prepare(sql).get(...values) as unknown as Row | undefined) ?? null
  }

  /** Runs one writing statement; returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes)
  }

  /** Runs `work` as one write transaction: all or nothing, durable against a crash of the process once it returns. */
  transaction<T>(work: () => T): T {
    if (this.#inTransaction) throw new MillraceError('MILL_INVARIANT', 'embedded transactions do not nest')
    this.prepare('BEGIN IMMEDIATE').run()
    this.#inTransaction = true
    try {
      const result = work()
      this.prepare('COMMIT').run()
      return result
    } catch (error) {
      this.#rollback()
      throw error
    } finally {
      this.#inTransaction = false
    }
  }

  /** A number that changes whenever another connection or process has committed. */
  dataVersion(): number {
    return this.row<[number]>('PRAGMA data_version')![0]
  }

  /** Runs `work`; what SQLite throws becomes `code` if the world is unwell, `MILL_INVARIANT` if the fault is ours. */
  guard<T>(code: ErrorCode, doing: string, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#translate(code, doing, error)
    }
  }

  /** Closes the file; later calls fail as unavailable. Closing twice is allowed. */
  close(): void {
    if (!this.#sqlite.isOpen) return
    this.#statements.clear()
    this.#sqlite.close()
  }

  #rollback(): void {
    try {
      // A full disk or an I/O error may have rolled back already.
      if (this.#sqlite.isTransaction) this.#sqlite.exec('ROLLBACK')
    } catch {
      // The error that led here is the one to tell.
    }
  }

  #translate(code: ErrorCode, doing: string, error: unknown): unknown {
    if (error instanceof MillraceError) return error
    const details = { path: this.path }
    if (!this.#sqlite.isOpen) return new MillraceError(code, `${doing}: the database is closed`, { cause: error, details })
    const reason = unavailable.get(resultCode(error))
    if (reason) return new MillraceError(code, `${doing}: ${reason} (${this.path})`, { cause: error, details })
    return new MillraceError('MILL_INVARIANT', `${doing}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
      details,
    })
  }
}

/** SQLite's primary result code (the low byte of the extended one), or 0. */
function resultCode(error: unknown): number {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : 0
}

/**
 * Opens (or makes, with its folders) the one file of the embedded stack; ':memory:' keeps everything in memory.
 * Durable against a crash of the process; a power cut may lose the last commits but never their order (WAL, synchronous=NORMAL).
 * Errors: `MILL_STORE_UNAVAILABLE` (cannot be opened), `MILL_CONFIG_INVALID` (not a Millrace database, or of a newer format).
 */
export function openEmbeddedDatabase(path: string, options: EmbeddedDatabaseOptions = {}): EmbeddedDatabase {
  let sqlite: DatabaseSync | undefined
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    sqlite = new DatabaseSync(path, { timeout: options.busyMsMax ?? 2_000 })
    sqlite.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-131072; PRAGMA temp_store=MEMORY')
    // A checkpoint costs an fsync in the middle of a commit: rarer and larger is faster; the limit keeps the file from staying big.
    sqlite.exec('PRAGMA wal_autocheckpoint=16000; PRAGMA journal_size_limit=67108864')
    const stored = Number((sqlite.prepare('PRAGMA user_version').get() as { user_version: number }).user_version)
    if (stored > formatVersion) {
      throw new MillraceError(
        'MILL_CONFIG_INVALID',
        `${path} has format ${stored}, this version reads up to ${formatVersion}: update Millrace`,
      )
    }
    if (stored < formatVersion) sqlite.exec(`PRAGMA user_version=${formatVersion}`)
    return new EmbeddedDatabase(path, sqlite)
  } catch (cause) {
    if (sqlite?.isOpen) sqlite.close()
    if (cause instanceof MillraceError) throw cause
    if (resultCode(cause) === 26) {
      throw new MillraceError('MILL_CONFIG_INVALID', `${path} is not a SQLite database: name another file`, { cause })
    }
    const reason = unavailable.get(resultCode(cause)) ?? (cause instanceof Error ? cause.message : String(cause))
    throw new MillraceError('MILL_STORE_UNAVAILABLE', `cannot open ${path}: ${reason}`, { cause })
  }
}
