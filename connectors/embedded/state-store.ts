import { type Clock, systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import { decodePositions, encodePositions } from '../../core/positions.ts'
import type { CommitResult, StateCommit, StateReading, StateStore, TaskId, TaskProgress } from '../../ports/state-store.ts'
import type { EmbeddedDatabase } from './database.ts'

// Rows lie in order of arrival, apart from their key index: keys that come together are written together (three times as fast
// as a table sorted by key, measured over 200,000 keys).
const tables = `
  CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY, topology TEXT NOT NULL, partition INTEGER NOT NULL,
    epoch INTEGER NOT NULL, positions TEXT NOT NULL, UNIQUE (topology, partition));
  CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY, task INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, expires INTEGER NOT NULL,
    UNIQUE (task, key))`

const slice = 500
/** Every so many commits a slice of the task's keys is looked through for expired ones: all of them are seen in time. */
const commitsPerSweep = 16

interface TaskRow {
  readonly id: number
  readonly epoch: number
  readonly positions: string
}

/** State of tasks in the embedded file; the store transaction is one SQL transaction. */
export class EmbeddedStateStore implements StateStore {
  readonly #database: EmbeddedDatabase
  readonly #clock: Clock
  /** Where the sweep of a task goes on, by task row id. */
  readonly #sweeps = new Map<number, string>()
  #commits = 0

  constructor(database: EmbeddedDatabase, options: { readonly clock?: Clock } = {}) {
    this.#database = database
    this.#clock = options.clock ?? systemClock
    this.#guard('create the state tables', () => database.execute(tables))
  }

  async openTask(task: TaskId, above = 0): Promise<TaskProgress> {
    return this.#guard('open a task', () =>
      this.#database.transaction(() => {
        const { epoch, positions } = this.#raiseEpoch(task, above, null)
        return { epoch, positions: decodePositions(positions) }
      }),
    )
  }

  async renewTask(task: TaskId, held: number, above = 0): Promise<TaskProgress | null> {
    return this.#guard('open a task anew', () =>
      this.#database.transaction(() => {
        if ((this.#find(task)?.epoch ?? 0) > held) return null
        const { epoch, positions } = this.#raiseEpoch(task, Math.max(held, above), null)
        return { epoch, positions: decodePositions(positions) }
      }),
    )
  }

  async progress(task: TaskId): Promise<TaskProgress | null> {
    return this.#guard('read progress', () => {
      const row = this.#find(task)
      return row && { epoch: row.epoch, positions: decodePositions(row.positions) }
    })
  }

  async read(task: TaskId, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    return this.#guard('read state', () => this.#values(this.#find(task), keys))
  }

  async readWithProgress(task: TaskId, keys: readonly string[]): Promise<StateReading> {
    return this.#guard('read state', () => {
      // The progress last: if another process commits in between, it shows here.
      const values = this.#values(this.#find(task), keys)
      const row = this.#find(task)
      return { progress: row && { epoch: row.epoch, positions: decodePositions(row.positions) }, values }
    })
  }

  async commit(task: TaskId, commit: StateCommit): Promise<CommitResult> {
    return this.#guard('commit state', () =>
      this.#database.transaction(() => {
        const row = this.#find(task)
        if (row && row.epoch !== commit.epoch) return { kind: 'fenced' }
        const stored = row?.positions ?? ''
        if (stored !== encodePositions(commit.from)) return { kind: 'moved', positions: decodePositions(stored) }
        const id = this.#advance(task, row, commit)
        this.#write(id, commit)
        if (++this.#commits % commitsPerSweep === 0) this.#sweep(id)
        return { kind: 'applied' }
      }),
    )
  }

  async *scan(task: TaskId): AsyncIterable<readonly (readonly [key: string, value: Uint8Array])[]> {
    const row = this.#guard('scan state', () => this.#find(task))
    if (!row) return
    const sql = 'SELECT key, value, expires FROM state WHERE task = ? AND key > ? ORDER BY key LIMIT ?'
    // No key sorts below '', which is a key too: so the first slice is asked for apart.
    const first = sql.replace('key > ?', 'key >= ?')
    for (let after: string | null = null; ; ) {
      const rows: [string, Uint8Array, number][] = this.#guard('scan state', () =>
        this.#database.rows(after === null ? first : sql, row.id, after ?? '', slice),
      )
      const nowMs = this.#clock.nowMs()
      const alive = rows.filter((entry) => entry[2] === 0 || entry[2] > nowMs).map((entry) => [entry[0], entry[1]] as const)
      if (alive.length > 0) yield alive
      if (rows.length < slice) return
      after = rows.at(-1)![0]
    }
  }

  async tasks(topology: string): Promise<readonly number[]> {
    return this.#guard('list tasks', () =>
      this.#database
        .rows<[number]>('SELECT partition FROM tasks WHERE topology = ? ORDER BY partition', topology)
        .map((row) => row[0]),
    )
  }

  async clear(task: TaskId): Promise<void> {
    this.#guard('clear a task', () =>
      this.#database.transaction(() => {
        const { id } = this.#raiseEpoch(task, 0, '')
        this.#database.run('DELETE FROM state WHERE task = ?', id)
      }),
    )
  }

  /** Lets go of nothing: the file belongs to whoever opened it. */
  async close(): Promise<void> {}

  #values(row: TaskRow | null, keys: readonly string[]): (Uint8Array | null)[] {
    if (!row) return keys.map(() => null)
    const nowMs = this.#clock.nowMs()
    const select = this.#database.prepare('SELECT value, expires FROM state WHERE task = ? AND key = ?')
    return keys.map((key) => {
      const found = select.get(row.id, key) as unknown as [Uint8Array, number] | undefined
      return found && (found[1] === 0 || found[1] > nowMs) ? found[0] : null
    })
  }

  #find(task: TaskId): TaskRow | null {
    const row = this.#database.row<[number, number, string]>(
      'SELECT id, epoch, positions FROM tasks WHERE topology = ? AND partition = ?',
      task.topology,
      task.partition,
    )
    return row && { id: row[0], epoch: row[1], positions: row[2] }
  }

  /** Gives a task, which may be new, an epoch that none of its owners had; `positions` null keeps what is stored. */
  #raiseEpoch(task: TaskId, above: number, positions: string | null): TaskRow {
    const step = 1 + Math.floor(Math.random() * 2 ** 16)
    const row = this.#database.row<[number, number, string]>(
      `INSERT INTO tasks (topology, partition, epoch, positions) VALUES (?, ?, ? + ?, '')
       ON CONFLICT DO UPDATE SET epoch = max(epoch + ?, excluded.epoch), positions = coalesce(?, positions)
       RETURNING id, epoch, positions`,
      task.topology,
      task.partition,
      Math.max(above, this.#clock.nowMs() * 1000),
      step,
      step,
      positions,
    )!
    return { id: row[0], epoch: row[1], positions: row[2] }
  }

  #advance(task: TaskId, row: TaskRow | null, commit: StateCommit): number {
    const id = row?.id ?? this.#raiseEpoch(task, 0, null).id
    this.#database.run('UPDATE tasks SET epoch = ?, positions = ? WHERE id = ?', commit.epoch, encodePositions(commit.to), id)
    return id
  }

  #write(id: number, commit: StateCommit): void {
    const expires = commit.ttlS === 0 ? 0 : this.#clock.nowMs() + commit.ttlS * 1000
    const put = this.#database.prepare(
      `INSERT INTO state (task, key, value, expires) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires`,
    )
    const remove = this.#database.prepare('DELETE FROM state WHERE task = ? AND key = ?')
    for (const [key, value] of commit.writes) {
      if (value === null) remove.run(id, key)
      else if (value.length > 0) put.run(id, key, value, expires)
      else
        throw new MillraceError('MILL_INVARIANT', `state of key "${key}" is empty: a value has at least one byte, null deletes`)
    }
  }

  /** Deletes the expired keys of one slice, then moves on; starts again after the last key. */
  #sweep(id: number): void {
    const after = this.#sweeps.get(id) ?? ''
    const rows = this.#database.rows<[string, number]>(
      'SELECT key, expires FROM state WHERE task = ? AND key > ? ORDER BY key LIMIT ?',
      id,
      after,
      slice,
    )
    const nowMs = this.#clock.nowMs()
    for (const [key, expires] of rows) {
      if (expires !== 0 && expires <= nowMs) this.#database.run('DELETE FROM state WHERE task = ? AND key = ?', id, key)
    }
    this.#sweeps.set(id, rows.length < slice ? '' : rows.at(-1)![0])
  }

  #guard<T>(doing: string, work: () => T): T {
    return this.#database.guard('MILL_STORE_UNAVAILABLE', doing, work)
  }
}
