import { invariant } from '../../core/invariant.ts'
import type { ListEntry, ListStore } from '../../ports/list-store.ts'
import { flat, type RedisConnection } from './connection.ts'
import { patternOf } from './keys.ts'
import { redisScript } from './redis-script.ts'

const swapScript = redisScript('swap')

/** Lists that one script call swaps at most: it blocks the server meanwhile. */
const listsPerCall = 200
/** How many keys the server looks at per step of a scan. */
const scanCount = 1_000

/** One script call: entries of one slot, and which of the caller's they are. */
interface SwapCall {
  readonly indexes: readonly number[]
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/** Served lists in Redis or a Redis Cluster, under the reader's own keys. */
export class RedisListStore implements ListStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async swap(entries: readonly ListEntry[]): Promise<readonly boolean[]> {
    const calls = this.#connection
      .bySlot(entries.map(({ key }) => key))
      .flatMap((indexes) => slices(indexes, listsPerCall))
      .map((indexes) => swapCall(entries, indexes))
    return this.#connection.guard('swap lists', async () => {
      const answers = await this.#connection.pipelined<number[]>(
        calls.map(({ keys }) => keys[0]!),
        (pipeline, call) =>
          void pipeline.evalsha(swapScript.sha, calls[call]!.keys.length, flat(calls[call]!.keys, calls[call]!.args)),
        async (call) => (await this.#connection.script(swapScript, calls[call]!.keys, calls[call]!.args)) as number[],
      )
      const written = new Array<boolean>(entries.length).fill(false)
      for (const [call, { indexes }] of calls.entries()) {
        for (const [at, index] of indexes.entries()) written[index] = answers[call]![at] === 1
      }
      return written
    })
  }

  async get(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const { client } = this.#connection
    return this.#connection.guard('read lists', async () => {
      const groups = this.#connection.bySlot(keys).filter((indexes) => indexes.length > 0)
      if (groups.length === 1) return client.mget([...keys])
      const values = new Array<string | null>(keys.length).fill(null)
      const keysOf = (group: number): string[] => groups[group]!.map((index) => keys[index]!)
      const answers = await this.#connection.pipelined<(string | null)[]>(
        groups.map((indexes) => keys[indexes[0]!]!),
        (pipeline, group) => void pipeline.mget(keysOf(group)),
        (group) => client.mget(keysOf(group)),
      )
      for (const [group, indexes] of groups.entries())
        for (const [at, index] of indexes.entries()) values[index] = answers[group]![at]!
      return values
    })
  }

  async remove(keys: readonly string[]): Promise<void> {
    const { client } = this.#connection
    await this.#connection.guard('remove lists', () =>
      this.#connection.pipelined(
        keys,
        (pipeline, index) => void pipeline.unlink(keys[index]!),
        (index) => client.unlink(keys[index]!),
      ),
    )
  }

  async keys(prefix: string, limit: number): Promise<readonly string[]> {
    return this.#connection.guard('list keys', async () => {
      const found = new Set<string>()
      for (const server of this.#connection.masters()) {
        for (let cursor = '0'; found.size < limit; ) {
          const [next, keys] = await server.scan(cursor, 'MATCH', patternOf(prefix), 'COUNT', scanCount)
          for (const key of keys) if (found.size < limit) found.add(key)
          if (next === '0') break
          cursor = next
        }
      }
      return [...found]
    })
  }

  /** Lets go of nothing: the connection belongs to whoever opened it. */
  async close(): Promise<void> {}
}

function swapCall(entries: readonly ListEntry[], indexes: readonly number[]): SwapCall {
  const keys: string[] = []
  const args: string[] = []
  for (const index of indexes) {
    const { key, value, companions = [], version, ttlS } = entries[index]!
    const head = `{"version":[${version.epoch},${version.position}]`
    invariant(value.startsWith(head), `list "${key}" must begin with ${head}`)
    keys.push(key)
    args.push(String(version.epoch), String(version.position), String(ttlS), String(companions.length), value)
    for (const companion of companions) {
      keys.push(companion.key)
      args.push(companion.value)
    }
  }
  return { indexes, keys, args }
}

function slices(indexes: readonly number[], size: number): number[][] {
  const result: number[][] = []
  for (let at = 0; at < indexes.length; at += size) result.push(indexes.slice(at, at + size))
  return result
}
