import autocannon from 'autocannon'
import { openRedis } from '../connectors/redis/connection.ts'
import { RedisListStore } from '../connectors/redis/list-store.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import { Program } from './program.ts'
import { storedList, userIdOf } from './stored-list.ts'

export const description =
  'GET of 10 and 50 items from the gateway with Redis, against a bare HTTP server with the same bytes from Redis'

interface Servers {
  readonly gateway: string
  readonly bare: string
}
interface ServerReport {
  readonly cpuMs: number
  readonly durations: readonly number[]
}
type Requests = readonly { readonly path: string }[]

/** Requests answered in all slices, and what they cost. */
class Tally {
  requests = 0
  ms = 0
  cpuMs = 0
  readonly serverMs: number[] = []
}

/**
 * Gateway and bare server run in one process, loaded in turns by autocannon from this one. A page is 10 items, or 50, the most that
 * one request may ask for. Options: `--seconds` (3) a slice, `--slices` (3), `--connections` (32), `--users` (100: autocannon prepares
 * each path for each connection, on the clock).
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const seconds = options.number('seconds', 3)
  const slices = options.number('slices', 3)
  const connections = options.number('connections', 32)
  const users = options.number('users', 100)
  const { redis: address } = await options.services('redis')
  const redis = await openRedis(address)
  options.onEnd(() => redis.close())
  const lists = new RedisListStore(redis)
  for (let from = 0; from < users; from += 200)
    await lists.swap(Array.from({ length: Math.min(200, users - from) }, (_, n) => storedList(from + n, 1)))
  const program = await Program.start<Servers, ServerReport>(options, 'gateway-program.ts', address)
  const { gateway, bare } = program.ready

  const figures: Figure[] = []
  for (const count of [10, 50]) {
    const paths = Array.from({ length: users }, (_, user) => `/v1/users/${userIdOf(user)}/recommendations?count=${count}`)
    for (const [user, path] of paths.entries()) {
      const answer = await fetch(gateway + path)
      if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`)
      await redis.client.set(`bare-${count}-${user}`, await answer.text())
    }
    const requests = paths.map((path) => ({ path }))
    const bareRequests = paths.map((_, user) => ({ path: `/bare-${count}-${user}` }))
    const load = async (url: string, of: Requests, into: Tally) => {
      await program.report()
      const result = await fire({ url, requests: of, connections, seconds })
      const { cpuMs, durations } = await program.report()
      into.requests += result.requests
      into.ms += result.ms
      into.cpuMs += cpuMs
      for (const ms of durations) into.serverMs.push(ms)
    }
    await load(gateway, requests, new Tally())
    await load(bare, bareRequests, new Tally())
    const [own, ceiling] = [new Tally(), new Tally()]
    for (let slice = 0; slice < slices; slice++) {
      await load(gateway, requests, own)
      await load(bare, bareRequests, ceiling)
    }
    const perSecond = (requestsDone: number, ms: number) => (requestsDone / ms) * 1000
    const most = perSecond(own.requests, own.ms)
    await program.report()
    const steady = await fire({ url: gateway, requests, connections, seconds: seconds * 2, rate: Math.floor(most * 0.8) })
    const { durations } = await program.report()
    await program.report()
    const bareMost = perSecond(ceiling.requests, ceiling.ms)
    const bareSteady = await fire({
      url: bare,
      requests: bareRequests,
      connections,
      seconds: seconds * 2,
      rate: Math.floor(bareMost * 0.8),
    })
    const name = (what: string) => `${what}-${count}-items`
    figures.push(
      figureOf({
        name: name('requests-per-core'),
        kind: 'throughput',
        value: perSecond(own.requests, own.cpuMs),
        unit: 'requests/cpu-s',
        ceiling: perSecond(ceiling.requests, ceiling.cpuMs),
        ...(count === 10 ? { goal: 'value >= 8000' } : {}),
      }),
      figureOf({ name: name('requests'), kind: 'throughput', value: most, unit: 'requests/s', ceiling: bareMost }),
      figureOf({
        name: name('server-time-p50'),
        kind: 'latency',
        value: quantile(durations, 0.5),
        unit: 'ms',
        goal: 'value <= 1',
      }),
      figureOf({
        name: name('p99-at-80-percent'),
        kind: 'latency',
        value: steady.p99Ms,
        unit: 'ms',
        ceiling: Math.max(1, bareSteady.p99Ms),
        goal: 'value <= 45',
      }),
    )
  }
  return figures
}

interface Fire {
  readonly url: string
  readonly requests: Requests
  readonly connections: number
  readonly seconds: number
  /** Requests a second; as many as go if absent. */
  readonly rate?: number
}

/** One slice of load. Latency counts from when a request was due. Errors: any answer but 200. */
async function fire({ url, requests, connections, seconds, rate }: Fire) {
  const fromMs = performance.now()
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [...requests],
    ...(rate === undefined ? {} : { overallRate: rate }),
  })
  const ms = performance.now() - fromMs
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx} refusals, ${result.errors} errors`)
  return { requests: result.requests.total, ms, p99Ms: result.latency.p99 }
}
