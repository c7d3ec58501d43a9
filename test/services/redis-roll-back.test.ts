import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { freePort } from '../../cli/services/free-port.ts'
import { redisCommand, startRedisServer } from '../../cli/services/redis-service.ts'
import type { ServiceProcess } from '../../cli/services/service-process.ts'
import { openRedis, type RedisConnection } from '../../connectors/redis/connection.ts'
import { RedisStateStore } from '../../connectors/redis/state-store.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { describeWithService } from './require-service.ts'

// The story: a primary acknowledges that somebody took over a task and dies; its replica, promoted, has never heard of it. Epochs that
// only counted on from the stored one were given a second time, and a replaced owner that was still alive passed for the new one.
describeWithService('redis', 'a replica with older data takes over', () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-redis-roll-back-'))
  const servers: ServiceProcess[] = []
  const connections: RedisConnection[] = []
  const task = { topology: 'roll-back', partition: 0 }

  const start = async (name: string, extraArgs: readonly string[] = []) => {
    const port = await freePort(0, 'redis')
    const options = { name, port, dir: join(dir, name), cacheDir: dir, detached: false, log() {}, extraArgs: [...extraArgs] }
    const server = await startRedisServer(options)
    servers.push(server)
    const connection = await openRedis(`redis://127.0.0.1:${port}`)
    connections.push(connection)
    return { port, server, store: new RedisStateStore(connection) }
  }
  const commitOf = (epoch: number, from: object, to: object) => ({ epoch, from, to, writes: new Map(), ttlS: 0 }) as never

  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()))
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(dir, { recursive: true, force: true })
  })

  it('gives no epoch a second time, and an epoch it has never heard of writes nothing', async () => {
    const primary = await start('primary')
    const first = await primary.store.openTask(task)
    await primary.store.commit(task, commitOf(first.epoch, {}, { events: 5 }))
    const replica = await start('replica', ['--replicaof', '127.0.0.1', String(primary.port)])
    await waitUntil('the replica has it', async () => (await replica.store.progress(task))?.epoch === first.epoch)
    await redisCommand(replica.port, 'REPLICAOF NO ONE')
    const lost = await Promise.all([1, 2, 3, 4].map(() => primary.store.openTask(task)))
    await primary.server.stop()

    const zombie = lost.at(-1)!.epoch
    const late = commitOf(zombie, { events: 5 }, { events: 6 })
    expect(await replica.store.commit(task, late), 'before anybody has opened it anew').toEqual({ kind: 'fenced' })
    // Nobody is promoted so soon; here it takes some milliseconds only.
    const newest = Math.max(...lost.map(({ epoch }) => epoch))
    await waitUntil('the clock is past what was given', () => Date.now() * 1000 > newest)
    const owners = await Promise.all([1, 2, 3, 4, 5].map(() => replica.store.openTask(task)))
    const given = [first, ...lost, ...owners].map(({ epoch }) => epoch)
    expect(new Set(given).size).toBe(10)
    expect(Math.min(...owners.map(({ epoch }) => epoch))).toBeGreaterThan(newest)
    for (const { epoch } of lost)
      expect(await replica.store.commit(task, commitOf(epoch, { events: 5 }, { events: 6 }))).toEqual({ kind: 'fenced' })
    expect(await replica.store.renewTask(task, zombie)).toBeNull()
    expect((await replica.store.progress(task))?.positions).toEqual({ events: 5 })
  })

  it('a server whose clock is far behind still gives none twice, and refuses those that are too high', async () => {
    const { store } = await start('slow-clock')
    const slow = { topology: 'slow-clock', partition: 0 }
    // What servers with a clock a day ahead gave: the one whose data is left, and one that only its owner remembers.
    const { epoch } = await store.openTask(slow, (Date.now() + 86_400_000) * 1000)
    const zombie = epoch + 1
    expect(await store.commit(slow, commitOf(zombie, {}, { events: 1 }))).toEqual({ kind: 'fenced' })
    const owners = await Promise.all(Array.from({ length: 5 }, () => store.openTask(slow)))
    expect(new Set([epoch, zombie, ...owners.map((owner) => owner.epoch)]).size).toBe(7)
    expect(await store.commit(slow, commitOf(zombie, {}, { events: 1 }))).toEqual({ kind: 'fenced' })
  })
})
