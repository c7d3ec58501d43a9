import avro from 'avsc'
import { MillraceError } from '../../core/errors.ts'
import type { SchemaRegistry } from '../../ports/schema-registry.ts'
import type { EmbeddedDatabase } from './database.ts'

const tables = `
  CREATE TABLE IF NOT EXISTS schemas (id INTEGER PRIMARY KEY, schema TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS schema_versions (
    subject TEXT NOT NULL, version INTEGER NOT NULL, schema INTEGER NOT NULL, PRIMARY KEY (subject, version)) WITHOUT ROWID`

const latestSql = `
  SELECT schemas.id, schema_versions.version, schemas.schema FROM schema_versions JOIN schemas ON schemas.id = schema_versions.schema
  WHERE subject = ? ORDER BY version DESC LIMIT 1`

/** Schemas of the embedded stack: the registry's model of subjects, versions and ids in the one file. */
export class EmbeddedSchemaRegistry implements SchemaRegistry {
  readonly #database: EmbeddedDatabase

  constructor(database: EmbeddedDatabase) {
    this.#database = database
    this.#guard('create the schema tables', () => database.execute(tables))
  }

  async register(subject: string, schema: string): Promise<number> {
    const type = parse(subject, schema)
    const text = JSON.stringify(JSON.parse(schema)) // Layout is not part of a schema's identity.
    return this.#guard('register a schema', () =>
      this.#database.transaction(() => {
        const known = this.#database.row<[number]>(
          'SELECT id FROM schemas JOIN schema_versions ON schemas.id = schema_versions.schema WHERE subject = ? AND schemas.schema = ?',
          subject,
          text,
        )
        if (known) return known[0]
        const latest = this.#database.row<[number, number, string]>(latestSql, subject)
        if (latest) refuseUnlessBackward(subject, type, latest[2])
        this.#database.run('INSERT INTO schemas (schema) VALUES (?) ON CONFLICT DO NOTHING', text)
        const id = this.#database.row<[number]>('SELECT id FROM schemas WHERE schema = ?', text)![0]
        this.#database.run(
          'INSERT INTO schema_versions (subject, version, schema) VALUES (?, ?, ?)',
          subject,
          (latest?.[1] ?? 0) + 1,
          id,
        )
        return id
      }),
    )
  }

  async byId(id: number): Promise<string | null> {
    return this.#guard(
      'read a schema',
      () => this.#database.row<[string]>('SELECT schema FROM schemas WHERE id = ?', id)?.[0] ?? null,
    )
  }

  async latest(subject: string): Promise<{ readonly id: number; readonly version: number; readonly schema: string } | null> {
    return this.#guard('read a subject', () => {
      const row = this.#database.row<[number, number, string]>(latestSql, subject)
      return row && { id: row[0], version: row[1], schema: row[2] }
    })
  }

  /** Lets go of nothing: the file belongs to whoever opened it. */
  async close(): Promise<void> {}

  #guard<T>(doing: string, work: () => T): T {
    return this.#database.guard('MILL_REGISTRY_UNAVAILABLE', doing, work)
  }
}

function parse(subject: string, schema: string): avro.Type {
  try {
    return avro.Type.forSchema(JSON.parse(schema))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MillraceError('MILL_SCHEMA_INCOMPATIBLE', `the schema for ${subject} is not valid Avro: ${reason}`, { cause })
  }
}

/** BACKWARD: the new schema reads what was written with the newest registered one. */
function refuseUnlessBackward(subject: string, type: avro.Type, latest: string): void {
  try {
    type.createResolver(avro.Type.forSchema(JSON.parse(latest)))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MillraceError(
      'MILL_SCHEMA_INCOMPATIBLE',
      `the new schema of ${subject} cannot read what was written with the registered one (${reason}): give added fields a default`,
      { cause, details: { subject } },
    )
  }
}
