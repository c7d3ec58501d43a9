import { DatabaseSync } from 'node:sqlite'

// The ceiling of `ingest-embedded`: the same records appended to a log and upserted by key, in transactions of as many records as
// the engine's batches, by node:sqlite with the engine's settings and nothing around it.

/** What it prints. */
export interface SqliteReport {
  readonly records: number
  readonly ms: number
}

const recordsPerTransaction = 4_000
const order = JSON.parse(process.argv[2]!) as { readonly log: string; readonly path: string }
const source = new DatabaseSync(order.log, { readOnly: true })
const rows = source
  .prepare(
    `SELECT records.timestamp_ms AS at, records.key AS key, records.value AS value FROM records
     JOIN slots ON slots.id = records.id >> 40 JOIN topics ON topics.id = slots.topic WHERE topics.name = 'user-events'`,
  )
  .all() as { at: number; key: string; value: Uint8Array }[]
source.close()

const database = new DatabaseSync(order.path)
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
database.exec('CREATE TABLE log (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, key TEXT, value BLOB)')
database.exec('CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID')
const append = database.prepare('INSERT INTO log (at, key, value) VALUES (?, ?, ?)')
const upsert = database.prepare(
  'INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
)
const fromMs = performance.now()
for (let from = 0; from < rows.length; from += recordsPerTransaction) {
  database.exec('BEGIN IMMEDIATE')
  for (const { at, key, value } of rows.slice(from, from + recordsPerTransaction)) {
    append.run(at, key, value)
    upsert.run(key, value)
  }
  database.exec('COMMIT')
}
const report: SqliteReport = { records: rows.length, ms: performance.now() - fromMs }
database.close()
console.log(JSON.stringify(report))
