import type { Positions } from '../core/positions.ts'
import { encodePositions } from '../core/positions.ts'
import type { CommitResult, StateCommit, StateReading, StateStore, TaskId, TaskProgress } from '../ports/state-store.ts'

interface StoredTask {
  epoch: number
  positions: Positions
  readonly values: Map<string, Uint8Array>
}

/** A state store in memory, for the test driver and for verify: nothing outlives it, nothing expires, and epochs just count. */
export class MemoryStateStore implements StateStore {
  readonly #tasks = new Map<string, StoredTask>()

  openTask(task: TaskId, above = 0): Promise<TaskProgress> {
    const stored = this.#stored(task)
    stored.epoch = Math.max(stored.epoch, above) + 1
    return Promise.resolve({ epoch: stored.epoch, positions: stored.positions })
  }

  renewTask(task: TaskId, held: number, above = 0): Promise<TaskProgress | null> {
    return this.#stored(task).epoch > held ? Promise.resolve(null) : this.openTask(task, Math.max(held, above))
  }

  progress(task: TaskId): Promise<TaskProgress | null> {
    const stored = this.#tasks.get(nameOf(task))
    return Promise.resolve(stored ? { epoch: stored.epoch, positions: stored.positions } : null)
  }

  read(task: TaskId, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    const { values } = this.#stored(task)
    return Promise.resolve(keys.map((key) => values.get(key) ?? null))
  }

  async readWithProgress(task: TaskId, keys: readonly string[]): Promise<StateReading> {
    const [progress, values] = await Promise.all([this.progress(task), this.read(task, keys)])
    return { progress, values }
  }

  commit(task: TaskId, commit: StateCommit): Promise<CommitResult> {
    const stored = this.#stored(task)
    if (stored.epoch !== commit.epoch) return Promise.resolve({ kind: 'fenced' })
    if (encodePositions(stored.positions) !== encodePositions(commit.from))
      return Promise.resolve({ kind: 'moved', positions: stored.positions })
    for (const [key, value] of commit.writes) {
      if (value === null) stored.values.delete(key)
      else stored.values.set(key, value)
    }
    stored.positions = commit.to
    return Promise.resolve({ kind: 'applied' })
  }

  async *scan(task: TaskId): AsyncIterable<readonly (readonly [key: string, value: Uint8Array])[]> {
    yield [...this.#stored(task).values]
  }

  tasks(topology: string): Promise<readonly number[]> {
    const partitions: number[] = []
    for (const name of this.#tasks.keys())
      if (name.startsWith(`${topology}.`)) partitions.push(Number(name.slice(topology.length + 1)))
    return Promise.resolve(partitions.sort((a, b) => a - b))
  }

  clear(task: TaskId): Promise<void> {
    const stored = this.#stored(task)
    stored.values.clear()
    stored.positions = {}
    stored.epoch++
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #stored(task: TaskId): StoredTask {
    let stored = this.#tasks.get(nameOf(task))
    if (!stored) {
      stored = { epoch: 0, positions: {}, values: new Map() }
      this.#tasks.set(nameOf(task), stored)
    }
    return stored
  }
}

function nameOf(task: TaskId): string {
  return `${task.topology}.${task.partition}`
}
