import { type ChainableCommander, Cluster, Command, Redis } from 'ioredis'
import { MillraceError } from '../../core/errors.ts'
import { type Logger, silentLogger } from '../../ports/logger.ts'
import { parseRedisUrl } from './parse-redis-url.ts'
import type { RedisScript } from './redis-script.ts'

export interface RedisConnectionOptions {
  /** A command without an answer for so long fails, in milliseconds; 5,000 by default. It may have been applied. */
  readonly commandTimeoutMs?: number
  /** How long `openRedis` waits for the server before it gives up, in milliseconds; 10,000 by default. */
  readonly connectTimeoutMs?: number
  readonly logger?: Logger
}

/** Longest pause between two attempts to reconnect; there is no last attempt. */
const reconnectMsMax = 2_000

/** How long `close` waits for a socket to end. */
const closeMsMax = 1_000

/** Answers that the server gives while it is unwell; any other refusal is a fault of our own. */
const unwell =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|OOM|MISCONF|BUSY|NOREPLICAS|NOAUTH|WRONGPASS|UNKILLABLE)\b/
/** Of these, what a command sent by itself may survive: the client follows the redirection, or sends the script's text. */
const worthRepeating = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|NOSCRIPT)\b|All (the )?keys in/

/**
 * One client of a Redis server or a Redis Cluster. While the server is away commands fail at once (nothing is queued), and the
 * client reconnects for ever in the background.
 */
export class RedisConnection {
  readonly #client: Redis | Cluster

  /** Use {@link openRedis}. */
  constructor(client: Redis | Cluster) {
    this.#client = client
  }

  /** The client itself; what it throws must go through `guard`. */
  get client(): Redis | Cluster {
    return this.#client
  }

  /** Runs a script by its digest, or by its text where the server does not know it yet. All keys lie in one slot. */
  async script(script: RedisScript, keys: readonly string[], args: readonly (string | Uint8Array)[]): Promise<unknown> {
    const rest = flat(keys, args)
    try {
      return await this.#client.evalsha(script.sha, keys.length, rest)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await this.#client.eval(script.text, keys.length, rest)
    }
  }

  /** The same for a script without arguments, whose answer keeps its bytes. */
  async binaryScript(script: RedisScript, keys: readonly string[]): Promise<unknown> {
    try {
      return await this.#client.callBuffer('EVALSHA', [script.sha, keys.length, ...keys])
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await this.#client.callBuffer('EVAL', [script.text, keys.length, ...keys])
    }
  }

  /**
   * Runs one command per key, in one pipeline per node; where the cluster has changed meanwhile, or a script is not known, the
   * commands concerned are sent again by themselves. Answers in the order of `keys`.
   */
  async pipelined<T>(
    keys: readonly string[],
    add: (pipeline: ChainableCommander, index: number) => void,
    alone: (index: number) => Promise<T>,
  ): Promise<T[]> {
    const results = new Array<T>(keys.length)
    const groups = this.#byNode(keys)
    await Promise.all(groups.map((indexes) => this.#pipeline(indexes, results, add, alone)))
    return results
  }

  /** Groups indexes of keys that one script call or one MGET may touch together: one slot of a cluster, everything otherwise. */
  bySlot(keys: readonly string[]): number[][] {
    return this.#client instanceof Cluster ? groupBy(keys, slotOf) : [keys.map((_, index) => index)]
  }

  /** The servers that hold keys. */
  masters(): readonly Redis[] {
    return this.#client instanceof Cluster ? this.#client.nodes('master') : [this.#client]
  }

  /** The server that holds a key. */
  owner(key: string): Redis {
    if (!(this.#client instanceof Cluster)) return this.#client
    const name = this.#client.slots[slotOf(key)]?.[0]
    const owner = this.#client.nodes('master').find(({ options }) => `${options.host}:${options.port}` === name)
    if (!owner) throw new Error(`no node of the cluster is known to hold the slot of "${key}"`)
    return owner
  }

  /** Runs `work`; a refusal that is our own fault becomes `MILL_INVARIANT`, anything else `MILL_STORE_UNAVAILABLE`. */
  async guard<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof MillraceError) throw error
      const message = error instanceof Error ? error.message : String(error)
      const ours = error instanceof Error && error.name === 'ReplyError' && !unwell.test(message)
      throw new MillraceError(ours ? 'MILL_INVARIANT' : 'MILL_STORE_UNAVAILABLE', `Redis could not ${doing}: ${message}`, {
        cause: error,
      })
    }
  }

  /** Ends the connection; commands under way fail, later ones too. Also returns soon while the server is away. */
  async close(): Promise<void> {
    const client = this.#client
    if (client.status === 'end') return
    // Between two attempts to reconnect there is no socket whose end the client could tell.
    const isConnected = client.status !== 'reconnecting' && client.status !== 'wait'
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    client.once('end', resolve)
    client.disconnect()
    if (!isConnected) return
    const limit = setTimeout(resolve, closeMsMax)
    await ended
    clearTimeout(limit)
  }

  /** A pipeline must stay with one node: ioredis refuses others. */
  #byNode(keys: readonly string[]): number[][] {
    const client = this.#client
    if (!(client instanceof Cluster)) return [keys.map((_, index) => index)]
    return groupBy(keys, (key) => client.slots[slotOf(key)]?.join(';'))
  }

  async #pipeline<T>(
    indexes: readonly number[],
    results: T[],
    add: (pipeline: ChainableCommander, index: number) => void,
    alone: (index: number) => Promise<T>,
  ): Promise<void> {
    const pipeline = this.#client.pipeline()
    for (const index of indexes) add(pipeline, index)
    const answers = await pipeline.exec().catch((error: Error): [Error, unknown][] => indexes.map(() => [error, null]))
    for (const [at, index] of indexes.entries()) {
      const [error, value] = answers![at]!
      if (!error) results[index] = value as T
      else if (worthRepeating.test(error.message)) results[index] = await alone(index)
      else throw error
    }
  }
}

/** Keys, then arguments, as the client takes them. */
export function flat(keys: readonly string[], args: readonly (string | Uint8Array)[]): (string | Buffer)[] {
  const rest: (string | Buffer)[] = [...keys]
  for (const arg of args) {
    rest.push(typeof arg === 'string' || Buffer.isBuffer(arg) ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength))
  }
  return rest
}

function slotOf(key: string): number {
  return new Command('get', [key]).getSlot()
}

function groupBy<K>(keys: readonly string[], nameOf: (key: string) => K): number[][] {
  const groups = new Map<K, number[]>()
  for (const [index, key] of keys.entries()) {
    const name = nameOf(key)
    const group = groups.get(name)
    if (group) group.push(index)
    else groups.set(name, [index])
  }
  return [...groups.values()]
}

/**
 * Connects to `redis://[user:password@]host:port[/db]`, `rediss://…` (TLS) or `redis-cluster://[user:password@]host:port,host:port…`
 * and waits until it is ready. Errors: `MILL_CONFIG_INVALID` (the address), `MILL_STORE_UNAVAILABLE` (nothing answers in time).
 */
export async function openRedis(url: string, options: RedisConnectionOptions = {}): Promise<RedisConnection> {
  const { nodes, isCluster, tls, username, password, db } = parseRedisUrl(url)
  const logger = options.logger ?? silentLogger
  const connectTimeoutMs = options.connectTimeoutMs ?? 10_000
  const common = {
    commandTimeout: options.commandTimeoutMs ?? 5_000,
    connectTimeout: connectTimeoutMs,
    // A command whose answer was lost is the caller's to repeat: only he knows whether that is harmless.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectionName: 'millrace',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  }
  const backoff = (times: number): number => Math.min(50 * 2 ** Math.min(times, 10), reconnectMsMax)
  const client = isCluster
    ? new Cluster([...nodes], {
        clusterRetryStrategy: backoff,
        enableOfflineQueue: false,
        lazyConnect: true,
        redisOptions: common,
        slotsRefreshTimeout: 2_000,
      })
    : new Redis({
        ...common,
        ...nodes[0]!,
        db,
        retryStrategy: backoff,
        // After a failover the old primary may come back as a replica: look again for the primary behind the address.
        reconnectOnError: (error) => error.message.startsWith('READONLY'),
        enableOfflineQueue: false,
        lazyConnect: true,
      })
  let last: unknown = null
  const note = (error: unknown): void => {
    last = error
    logger.warn({ error: error instanceof Error ? error.message : String(error) }, 'the connection to Redis is disturbed')
  }
  if (client instanceof Cluster) client.on('+node', (node: Redis) => void node.on('connect', () => writeTogether(node)))
  else client.on('connect', () => writeTogether(client))
  client.on('error', note) // Without a listener the client writes to the console.
  if (isCluster) client.on('node error', note)
  await ready(client, connectTimeoutMs).catch((error) => {
    client.disconnect()
    const reason = last instanceof Error && last.message ? last.message : error instanceof Error ? error.message : String(error)
    throw new MillraceError(
      'MILL_STORE_UNAVAILABLE',
      `Redis at ${nodes.map(({ host, port }) => `${host}:${port}`)} does not answer: ${reason}`,
      {
        cause: last ?? error,
      },
    )
  })
  return new RedisConnection(client)
}

/** Lets the commands of one turn leave in one packet: tasks that were woken by one answer ask at the same moment. */
function writeTogether({ stream }: Redis): void {
  const write = stream.write.bind(stream)
  let isCorked = false
  const release = (): void => {
    isCorked = false
    stream.uncork()
  }
  stream.write = (...args: unknown[]) => {
    if (!isCorked) {
      isCorked = true
      stream.cork()
      process.nextTick(release)
    }
    return (write as (...args: unknown[]) => boolean)(...args)
  }
}

/** Waits for the first `ready`; the client keeps trying by itself meanwhile. */
async function ready(client: Redis | Cluster, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`not ready after ${timeoutMs} ms`)), timeoutMs)
  client.once('ready', resolve)
  client.connect().catch(() => {}) // The reason arrives as an 'error' event, too.
  try {
    await promise
  } finally {
    clearTimeout(timer)
    client.off('ready', resolve)
  }
}
