import { invariant } from '../../core/invariant.ts'
import type { ListAmendment, ListEntry, ListStore } from '../../ports/list-store.ts'
import { effectsText, itemMark } from '../../schemas/amended-texts.ts'
import { versionHead } from '../../schemas/served-list.ts'
import { flat, type RedisConnection } from './connection.ts'
import { patternOf } from './keys.ts'
import { type RedisScript, redisScript } from './redis-script.ts'

const swapScript = redisScript('swap')
const amendScript = redisScript('amend')

/** Lists that one script call swaps or amends at most: it blocks the server meanwhile. */
const listsPerCall = { swap: 200, amend: 25 }
/** How many keys the server looks at per step of a scan. */
const scanCount = 1_000

/** One script call: lists of one slot, and which of the caller's they are. */
interface ListCall {
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

  swap(entries: readonly ListEntry[]): Promise<readonly boolean[]> {
    return this.#perList('swap', swapScript, entries, swapCall)
  }

  amend(amendments: readonly ListAmendment[]): Promise<readonly boolean[]> {
    return this.#perList('amend', amendScript, amendments, amendCall)
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

  async *scan(prefix: string): AsyncGenerator<readonly string[]> {
    for (const server of this.#connection.masters()) {
      for (let cursor = '0'; ; ) {
        const [next, keys] = await this.#connection.guard('list keys', () =>
          server.scan(cursor, 'MATCH', patternOf(prefix), 'COUNT', scanCount),
        )
        if (keys.length > 0) yield keys
        if (next === '0') break
        cursor = next
      }
    }
  }

  /** Lets go of nothing: the connection belongs to whoever opened it. */
  async close(): Promise<void> {}

  /** Runs a script over lists, some of one slot per call, and answers which of them it said 1 to. */
  async #perList<T extends { readonly key: string }>(
    doing: keyof typeof listsPerCall,
    script: RedisScript,
    lists: readonly T[],
    callOf: (lists: readonly T[], indexes: readonly number[]) => ListCall,
  ): Promise<readonly boolean[]> {
    const calls = this.#connection
      .bySlot(lists.map(({ key }) => key))
      .flatMap((indexes) => slices(indexes, listsPerCall[doing]))
      .map((indexes) => callOf(lists, indexes))
    return this.#connection.guard(`${doing} lists`, async () => {
      const answers = await this.#connection.pipelined<number[]>(
        calls.map(({ keys }) => keys[0]!),
        (pipeline, call) =>
          void pipeline.evalsha(script.sha, calls[call]!.keys.length, flat(calls[call]!.keys, calls[call]!.args)),
        async (call) => (await this.#connection.script(script, calls[call]!.keys, calls[call]!.args)) as number[],
      )
      const isDone = new Array<boolean>(lists.length).fill(false)
      for (const [call, { indexes }] of calls.entries()) {
        for (const [at, index] of indexes.entries()) isDone[index] = answers[call]![at] === 1
      }
      return isDone
    })
  }
}

function swapCall(entries: readonly ListEntry[], indexes: readonly number[]): ListCall {
  const keys: string[] = []
  const args: string[] = []
  for (const index of indexes) {
    const { key, value, companions = [], version, ttlS } = entries[index]!
    const head = versionHead(version)
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

function amendCall(amendments: readonly ListAmendment[], indexes: readonly number[]): ListCall {
  const keys: string[] = []
  const args: string[] = []
  for (const index of indexes) {
    const { key, reserveKey, version, removed, placed, effects } = amendments[index]!
    keys.push(key)
    if (placed.length > 0) keys.push(reserveKey)
    args.push(versionHead(version), effectsText(effects), String(removed.length), String(placed.length))
    for (const { itemId, near, bytes } of removed)
      args.push(itemMark(itemId), near.toFixed(3), String(bytes?.from ?? 0), String(bytes?.count ?? 0))
    for (const { itemId, before } of placed) args.push(itemMark(itemId), before === null ? '' : itemMark(before))
  }
  return { indexes, keys, args }
}

function slices(indexes: readonly number[], size: number): number[][] {
  const result: number[][] = []
  for (let at = 0; at < indexes.length; at += size) result.push(indexes.slice(at, at + size))
  return result
}
