import { afterAll } from 'vitest'
import { openRedis, type RedisConnection } from '../../connectors/redis/connection.ts'
import { RedisListStore } from '../../connectors/redis/list-store.ts'
import { RedisStateStore } from '../../connectors/redis/state-store.ts'
import { listStoreConformance } from '../conformance/list-store.ts'
import { stateStoreConformance } from '../conformance/state-store.ts'
import { describeWithService } from './require-service.ts'

describeWithService('redis', 'one Redis server', (address) => suites('Redis', address))
describeWithService('redis-cluster', 'a cluster of three nodes', (addresses) =>
  suites('Redis Cluster', `redis-cluster://${addresses}`),
)

function suites(name: string, url: string): void {
  const connections: RedisConnection[] = []
  const connect = async (): Promise<RedisConnection> => {
    const connection = await openRedis(url)
    connections.push(connection)
    return connection
  }
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()))
  })
  stateStoreConformance(name, async () => new RedisStateStore(await connect()))
  listStoreConformance(name, async () => new RedisListStore(await connect()))
}
