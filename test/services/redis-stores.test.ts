import { afterAll, expect, it } from 'vitest'
import { openRedis, type RedisConnection } from '../../connectors/redis/connection.ts'
import { RedisListStore } from '../../connectors/redis/list-store.ts'
import { commitBytesMax, commitKeysMax, RedisStateStore } from '../../connectors/redis/state-store.ts'
import { listKeeperConformance } from '../conformance/list-keeper.ts'
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
  it('one commit takes the stated maximum of keys at 1 KiB each, and more is refused before anything is sent', async () => {
    const store = new RedisStateStore(await connect())
    const task = { topology: `largest-${process.pid}`, partition: 0 }
    const { epoch } = await store.openTask(task)
    const value = new Uint8Array(1024).fill(5)
    const writes = new Map(Array.from({ length: commitKeysMax }, (_, n) => [`key-${n}`, value]))
    const largest = { epoch, from: {}, to: { events: 1 }, writes, ttlS: 60 }
    expect(await store.commit(task, largest)).toEqual({ kind: 'applied' })
    const read = await store.read(task, ['key-0', `key-${commitKeysMax - 1}`])
    expect(read.map((each) => each && each.length === 1024 && each[1023])).toEqual([5, 5])
    const tooMany = { ...largest, from: { events: 1 }, writes: new Map(writes).set('one-more', value) }
    await expect(store.commit(task, tooMany)).rejects.toMatchObject({
      code: 'MILL_INVARIANT',
      message: expect.stringContaining('cut the batch'),
    })
    const tooLarge = { ...largest, from: { events: 1 }, writes: new Map([['a', new Uint8Array(commitBytesMax + 1)]]) }
    await expect(store.commit(task, tooLarge)).rejects.toMatchObject({ code: 'MILL_INVARIANT' })
    expect((await store.progress(task))?.positions).toEqual({ events: 1 })
    await store.clear(task)
  })
  listStoreConformance(name, async () => new RedisListStore(await connect()))
  listKeeperConformance(name, async () => new RedisListStore(await connect()))
}
