import { MillraceError } from '../../core/errors.ts'
import { invariant } from '../../core/invariant.ts'
import { decodePositions, encodePositions } from '../../core/positions.ts'
import type { CommitResult, StateCommit, StateReading, StateStore, TaskId, TaskProgress } from '../../ports/state-store.ts'
import type { RedisConnection } from './connection.ts'
import { patternOf, statePrefix, taskKey, tasksKey } from './keys.ts'
import { redisScript } from './redis-script.ts'

const commitScript = redisScript('commit')
const openScript = redisScript('open-task')
const readScript = redisScript('read-state')
const clearScript = redisScript('clear-task')
const deleteScript = redisScript('delete-state')

/** Most state keys of one commit: the script blocks the server for about 2.5 µs a key. */
export const commitKeysMax = 50_000
/** Most bytes of values in one commit. */
export const commitBytesMax = 64 * 1024 * 1024
/** How many keys the server looks at per step of a scan. */
const scanCount = 1_000

/** State of tasks in Redis or a Redis Cluster: one slot per task, one script call per commit. */
export class RedisStateStore implements StateStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async openTask(task: TaskId, above = 0): Promise<TaskProgress> {
    const { client } = this.#connection
    return this.#connection.guard(`open ${taskKey(task)}`, async () => {
      await client.sadd(tasksKey(task.topology), task.partition)
      return (await this.#open(task, above, ''))!
    })
  }

  async renewTask(task: TaskId, held: number, above = 0): Promise<TaskProgress | null> {
    return this.#connection.guard(`open ${taskKey(task)} anew`, () => this.#open(task, above, String(held)))
  }

  async #open(task: TaskId, above: number, held: string): Promise<TaskProgress | null> {
    const answer = await this.#connection.script(openScript, [taskKey(task)], [randomPart(), String(above), held])
    const [epoch, positions, clearing] = answer as string[]
    if (epoch === undefined) return null
    // Whoever began to clear has died or is too slow; nothing may be written before its state is gone.
    if (clearing === '1') await this.#deleteState(task, epoch)
    return { epoch: Number(epoch), positions: decodePositions(positions ?? '') }
  }

  async progress(task: TaskId): Promise<TaskProgress | null> {
    return this.#connection.guard(`read progress of ${taskKey(task)}`, async () => {
      const [epoch, positions] = await this.#connection.client.hmget(taskKey(task), 'epoch', 'positions')
      return epoch ? { epoch: Number(epoch), positions: decodePositions(positions ?? '') } : null
    })
  }

  async read(task: TaskId, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    if (keys.length === 0) return []
    const prefix = statePrefix(task)
    return this.#connection.guard(`read state of ${taskKey(task)}`, () =>
      this.#connection.client.mgetBuffer(keys.map((key) => prefix + key)),
    )
  }

  async readWithProgress(task: TaskId, keys: readonly string[]): Promise<StateReading> {
    const prefix = statePrefix(task)
    return this.#connection.guard(`read state of ${taskKey(task)}`, async () => {
      const names = [taskKey(task), ...keys.map((key) => prefix + key)]
      const [epoch, positions, ...values] = (await this.#connection.binaryScript(readScript, names)) as [
        Buffer,
        Buffer,
        ...(Buffer | null)[],
      ]
      const progress = epoch.length === 0 ? null : { epoch: Number(epoch), positions: decodePositions(String(positions)) }
      return { progress, values }
    })
  }

  async commit(task: TaskId, { epoch, from, to, writes, ttlS }: StateCommit): Promise<CommitResult> {
    const keys = [taskKey(task)]
    const args: (string | Uint8Array)[] = [String(epoch), encodePositions(from), encodePositions(to), String(ttlS)]
    const prefix = statePrefix(task)
    let bytes = 0
    for (const [key, value] of writes) {
      if (value?.length === 0) {
        throw new MillraceError('MILL_INVARIANT', `state of key "${key}" is empty: a value has at least one byte, null deletes`)
      }
      keys.push(prefix + key)
      args.push(value ?? '')
      bytes += value?.length ?? 0
    }
    invariant(
      writes.size <= commitKeysMax,
      `a commit of ${writes.size} keys is too large (${commitKeysMax}): cut the batch smaller`,
    )
    invariant(bytes <= commitBytesMax, `a commit of ${bytes} bytes is too large (${commitBytesMax}): cut the batch smaller`)
    return this.#connection.guard(`commit to ${taskKey(task)}`, async () => {
      const answer = (await this.#connection.script(commitScript, keys, args)) as [number, string?, string?]
      if (answer[0] === 1) return { kind: 'applied' }
      return answer[1] === 'fenced' ? { kind: 'fenced' } : { kind: 'moved', positions: decodePositions(answer[2] ?? '') }
    })
  }

  /** A key that moves inside the server's table while it is walked may come twice. */
  async *scan(task: TaskId): AsyncIterable<readonly (readonly [key: string, value: Uint8Array])[]> {
    const prefix = statePrefix(task)
    for await (const keys of this.#stateKeys(task)) {
      const values = await this.#connection.guard(`scan ${taskKey(task)}`, () => this.#connection.client.mgetBuffer([...keys]))
      const slice = keys.flatMap((key, index) => (values[index] ? [[key.slice(prefix.length), values[index]] as const] : []))
      if (slice.length > 0) yield slice
    }
  }

  async tasks(topology: string): Promise<readonly number[]> {
    return this.#connection.guard(`list tasks of ${topology}`, async () => {
      const members = await this.#connection.client.smembers(tasksKey(topology))
      return members.map(Number).sort((a, b) => a - b)
    })
  }

  async clear(task: TaskId): Promise<void> {
    await this.#connection.guard(`clear ${taskKey(task)}`, async () => {
      await this.#connection.client.sadd(tasksKey(task.topology), task.partition)
      const epoch = (await this.#connection.script(clearScript, [taskKey(task)], [randomPart()])) as string
      await this.#deleteState(task, epoch)
    })
  }

  /** Lets go of nothing: the connection belongs to whoever opened it. */
  async close(): Promise<void> {}

  /** Deletes all state of a task in slices, as long as `epoch` is the newest; a newer owner does it himself. */
  async #deleteState(task: TaskId, epoch: string): Promise<void> {
    for await (const keys of this.#stateKeys(task)) {
      const done = await this.#connection.script(deleteScript, [taskKey(task), ...keys], [epoch, '0'])
      if (done !== 1) return
    }
    await this.#connection.script(deleteScript, [taskKey(task)], [epoch, '1'])
  }

  /** State keys of a task, in slices; walks all keys of the one server that holds them. */
  async *#stateKeys(task: TaskId): AsyncIterable<readonly string[]> {
    const pattern = patternOf(statePrefix(task))
    const server = await this.#connection.guard(`scan ${taskKey(task)}`, async () => this.#connection.owner(taskKey(task)))
    for (let cursor = '0'; ; ) {
      const [next, keys] = await this.#connection.guard(`scan ${taskKey(task)}`, () =>
        server.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount),
      )
      if (keys.length > 0) yield keys
      if (next === '0') return
      cursor = next
    }
  }
}

/** What tells apart two epochs that two servers, one of which had lost writes, would give at the same microsecond. */
function randomPart(): string {
  return String(Math.floor(Math.random() * 2 ** 16))
}
