import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openRedis } from '../connectors/redis/connection.ts'
import { RedisListStore } from '../connectors/redis/list-store.ts'
import { systemClock } from '../core/clock.ts'
import { createGateway } from '../gateway/create-gateway.ts'
import { DecisionLog } from '../gateway/decision-log.ts'
import { EventCollector } from '../gateway/event-collector.ts'
import { PreferenceCollector } from '../gateway/preference-collector.ts'
import { RecommendationService } from '../gateway/recommendation-service.ts'
import { silentLogger } from '../ports/logger.ts'
import { type Metrics, silentMetrics } from '../ports/metrics.ts'
import { WireFormat } from '../schemas/wire-format.ts'
import { storedItem, storedItems } from './stored-list.ts'

// The gateway in a process of its own, and beside it, on another port, the bare server that is its ceiling: bench/serve.ts forks it
// with the address of Redis. It says { gateway, bare } when both listen; to any message it answers what happened since the last one.
// Decisions are made, encoded and buffered as always; the log behind them takes everything.

const redis = await openRedis(process.argv[2]!)
const catalogue = new Map(Array.from({ length: storedItems }, (_, index) => [`item-${index}`, storedItem(index)]))
let durations: number[] = []
const metrics: Metrics = {
  ...silentMetrics,
  histogram: (name) => ({
    record: (value) => {
      if (name === 'millrace_gateway_request_ms') durations.push(value)
    },
  }),
}
const schemas: string[] = []
const wire = await WireFormat.open({
  register: (_subject, schema) => Promise.resolve(schemas.push(schema)),
  byId: (id) => Promise.resolve(schemas[id - 1] ?? null),
})
const shared = {
  wire,
  log: { send: () => Promise.resolve() },
  partitions: () => 16,
  clock: systemClock,
  metrics,
  logger: silentLogger,
}
const lists = new RedisListStore(redis)
const items = { get: (itemId: string) => catalogue.get(itemId) }
const decisions = new DecisionLog(shared)
const features = () => Promise.resolve(null)
const app = await createGateway({
  ...shared,
  service: new RecommendationService({ lists, items, decisions, clock: systemClock }),
  collector: new EventCollector({ ...shared, items }),
  preferences: new PreferenceCollector({ ...shared, features }),
  lists,
  items,
  features,
  version: '0',
})
const gateway = await app.listen({ host: '127.0.0.1', port: 0 })

/** Answers GET /<key> with what Redis holds there. */
const bare = createServer((request, response) => {
  redis.client.getBuffer(request.url!.slice(1)).then(
    (body) => {
      response.writeHead(body ? 200 : 404, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': body?.length ?? 0,
      })
      response.end(body ?? undefined)
    },
    (error: unknown) => response.destroy(error as Error),
  )
})
await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve))

let cpu = process.cpuUsage()
process.on('message', () => {
  const { user, system } = process.cpuUsage(cpu)
  process.send!({ cpuMs: (user + system) / 1000, durations })
  durations = []
  cpu = process.cpuUsage()
})
process.once('disconnect', () => process.exit(0))
process.send!({ gateway, bare: `http://127.0.0.1:${(bare.address() as AddressInfo).port}` })
