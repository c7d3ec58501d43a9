import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../cli/services/free-port.ts'
import { startRedisServer } from '../../cli/services/redis-service.ts'
import type { ServiceProcess } from '../../cli/services/service-process.ts'
import { openRedis, type RedisConnection } from '../../connectors/redis/connection.ts'
import { RedisListStore } from '../../connectors/redis/list-store.ts'
import { RedisStateStore } from '../../connectors/redis/state-store.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { describeWithService } from './require-service.ts'
import { StateCommitter } from './state-committer.ts'
import { TcpProxy } from './tcp-proxy.ts'

const commandTimeoutMs = 1_000

// A server of its own, because it is killed; the shared one tells whether a Redis can run here at all.
describeWithService('redis', 'Redis goes away and comes back', () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-redis-outage-'))
  const connections: RedisConnection[] = []
  const proxies: TcpProxy[] = []
  let port = 0
  let server: ServiceProcess
  let tasks = 0

  const start = async (): Promise<ServiceProcess> =>
    startRedisServer({
      name: 'redis-outage',
      port,
      dir,
      cacheDir: dir,
      detached: false,
      log() {},
      extraArgs: ['--appendonly', 'yes', '--appendfsync', 'always', '--repl-diskless-sync-delay', '0'],
    })
  const connect = async (to = port): Promise<RedisConnection> => {
    const connection = await openRedis(`redis://127.0.0.1:${to}`, { commandTimeoutMs })
    connections.push(connection)
    return connection
  }
  const newTask = () => ({ topology: 'outage', partition: tasks++ })

  beforeAll(async () => {
    port = await freePort(0, 'redis')
    server = await start()
  })
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()))
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  it('killed and restarted while committing: nothing acknowledged is lost and the client reconnects by itself', async () => {
    const store = new RedisStateStore(await connect())
    const committers = [0, 1, 2, 3].map(() => new StateCommitter(store, newTask()))
    await Promise.all(committers.map((committer) => committer.start()))
    for (let round = 0; round < 3; round++) {
      await Promise.all(committers.map((committer) => committer.advance(100)))
      process.kill(server.pid, 'SIGKILL')
      const failures = committers.map((committer) => committer.failures)
      await waitUntil('every task has met the outage', () => committers.every((each, index) => each.failures > failures[index]!))
      server = await start()
    }
    await Promise.all(committers.map((committer) => committer.advance(100)))
    for (const committer of committers) {
      await committer.stop()
      expect(committer.faults).toEqual([])
      expect(await committer.lost()).toEqual([])
      expect(committer.slowestMs).toBeLessThan(commandTimeoutMs + 1_000)
    }
  })

  it('an answer lost on the wire: the repeated commit is answered moved, with the positions it went to', async () => {
    const proxy = new TcpProxy(port)
    proxies.push(proxy)
    const store = new RedisStateStore(await connect(await proxy.listen()))
    const task = newTask()
    const { epoch } = await store.openTask(task)
    const commit = { epoch, from: {}, to: { events: 1 }, writes: new Map([['a', Buffer.from('1')]]), ttlS: 0 }
    proxy.loseAnswer = true
    await expect(store.commit(task, commit)).rejects.toMatchObject({ code: 'MILL_STORE_UNAVAILABLE', reaction: 'retry' })
    const direct = new RedisStateStore(await connect())
    expect(await direct.progress(task)).toEqual({ epoch, positions: { events: 1 } })
    await waitUntil('the client is back', async () => (await store.progress(task).catch(() => null)) !== null)
    expect(await store.commit(task, commit)).toEqual({ kind: 'moved', positions: { events: 1 } })
  })

  it('lost answers in the middle of a stream of commits change nothing', async () => {
    const proxy = new TcpProxy(port)
    proxies.push(proxy)
    const store = new RedisStateStore(await connect(await proxy.listen()))
    const committer = new StateCommitter(store, newTask())
    await committer.start()
    for (let round = 0; round < 5; round++) {
      await committer.advance(20)
      proxy.loseAnswer = true
      await waitUntil('the answer was lost', () => !proxy.loseAnswer)
    }
    await committer.advance(20)
    await committer.stop()
    expect(committer.faults).toEqual([])
    expect(await committer.lost()).toEqual([])
    // The wire may also have lost the answer to a ready check instead of a commit's, but not always.
    expect(committer.moved.length).toBeGreaterThan(0)
  })

  it('a server that hangs: every call fails within the command time-out, then goes on', async () => {
    const connection = await connect()
    const store = new RedisStateStore(connection)
    const lists = new RedisListStore(connection)
    const task = newTask()
    const committer = new StateCommitter(store, task)
    await committer.start()
    await committer.advance(10)
    process.kill(server.pid, 'SIGSTOP')
    try {
      const calls = [store.read(task, ['a']), store.progress(task), lists.get(['a', 'b']), lists.remove(['a'])]
      const startMs = performance.now()
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'MILL_STORE_UNAVAILABLE' } })
      }
      expect(performance.now() - startMs).toBeLessThan(commandTimeoutMs + 1_000)
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
    await committer.advance(10)
    await committer.stop()
    expect(committer.faults).toEqual([])
    expect(await committer.lost()).toEqual([])
  })

  it('while the server is away every call fails at once as unavailable, and no error is unhandled', async () => {
    const proxy = new TcpProxy(port)
    proxies.push(proxy)
    const address = await proxy.listen()
    const [connection, second] = [await connect(address), await connect(address)]
    const store = new RedisStateStore(connection)
    const lists = new RedisListStore(connection)
    const task = newTask()
    await store.openTask(task)
    proxy.refuse = true
    proxy.cut()
    await waitUntil('the connection is down', () => connection.client.status !== 'ready')
    const entry = { key: 'recs:{u}:home', value: '{"version":[1,1]}', version: { epoch: 1, position: 1 }, ttlS: 0 }
    const startMs = performance.now()
    const commit = { epoch: 1, from: {}, to: {}, writes: new Map(), ttlS: 0 }
    const scan = async () => {
      for await (const _ of store.scan(task)) throw new Error('there is nothing to scan')
    }
    const calls = [
      store.openTask(task),
      store.progress(task),
      store.read(task, ['a']),
      store.commit(task, commit),
      scan(),
      store.tasks('outage'),
      store.clear(task),
      lists.swap([entry]),
      lists.get(['a']),
      lists.remove(['a']),
      lists.scan('recs:').next(),
      lists.amend([{ key: 'a', reserveKey: 'b', version: { epoch: 1, position: 1 }, removed: [], placed: [], effects: [] }]),
    ]
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'MILL_STORE_UNAVAILABLE' } })
    }
    expect(performance.now() - startMs).toBeLessThan(commandTimeoutMs)
    await waitUntil('the second client tries again', () => second.client.status === 'reconnecting')
    const closingMs = performance.now()
    await second.close()
    expect(performance.now() - closingMs).toBeLessThan(500)
    proxy.refuse = false
    await waitUntil('the client is back', async () => (await store.progress(task).catch(() => null)) !== null)
  })

  it('a failover that loses the newest writes takes state and positions back together, and the owner is told where to go on', async () => {
    const replicaPort = await freePort(0, 'redis')
    const replicaDir = join(dir, 'replica')
    const extraArgs = ['--replicaof', '127.0.0.1', String(port)]
    const replica = await startRedisServer({
      name: 'replica',
      port: replicaPort,
      dir: replicaDir,
      cacheDir: dir,
      detached: false,
      log() {},
      extraArgs,
    })
    try {
      const proxy = new TcpProxy(port)
      proxies.push(proxy)
      const store = new RedisStateStore(await connect(await proxy.listen()))
      const task = newTask()
      const { epoch } = await store.openTask(task)
      const commit = (n: number) => ({
        epoch,
        from: n === 1 ? {} : { events: n - 1 },
        to: { events: n },
        writes: new Map(['sum', `commit-${n}`].map((key) => [key, Buffer.from(String(n))])),
        ttlS: 600,
      })
      for (let n = 1; n <= 20; n++) expect(await store.commit(task, commit(n))).toEqual({ kind: 'applied' })
      const onReplica = new RedisStateStore(await connect(replicaPort))
      await waitUntil('the replica has followed', async () => (await onReplica.progress(task))?.positions['events'] === 20)
      await connections.at(-1)!.client.call('REPLICAOF', 'NO', 'ONE')
      for (let n = 21; n <= 30; n++) expect(await store.commit(task, commit(n))).toEqual({ kind: 'applied' })
      proxy.port = replicaPort
      proxy.cut()
      await waitUntil('the client is with the new primary', async () => (await store.progress(task).catch(() => null)) !== null)
      expect(await store.commit(task, commit(31))).toEqual({ kind: 'moved', positions: { events: 20 } })
      const values = await store.read(task, ['sum', 'commit-20', 'commit-21', 'commit-30'])
      expect(values.map((value) => value && Buffer.from(value).toString())).toEqual(['20', '20', null, null])
      for (let n = 21; n <= 31; n++) expect(await store.commit(task, commit(n))).toEqual({ kind: 'applied' })
    } finally {
      await replica.stop()
    }
  })

  it('a clear that was cut short is finished by the next owner before it reads anything', async () => {
    const connection = await connect()
    const store = new RedisStateStore(connection)
    const task = newTask()
    const { epoch } = await store.openTask(task)
    const writes = new Map(Array.from({ length: 3_000 }, (_, n) => [`key-${n}`, Buffer.from('1')]))
    expect(await store.commit(task, { epoch, from: {}, to: { events: 1 }, writes, ttlS: 0 })).toEqual({ kind: 'applied' })
    // What clear does first; then its process dies.
    const hash = `{${task.topology}.${task.partition}}`
    await connection.client.hincrby(hash, 'epoch', 1)
    await connection.client.hdel(hash, 'positions')
    await connection.client.hset(hash, 'clearing', '1')
    const next = await store.openTask(task)
    expect(next.epoch).toBeGreaterThan(epoch + 1)
    expect(next.positions).toEqual({})
    for await (const slice of store.scan(task)) expect(slice).toEqual([])
    expect(await connection.client.hget(hash, 'clearing')).toBeNull()
  })

  it.each(['redis', 'redis-cluster'])('opening a %s that is not there is refused in time, with its address', async (scheme) => {
    const dead = await freePort(0, 'nothing')
    const opening = openRedis(`${scheme}://127.0.0.1:${dead}`, { connectTimeoutMs: 300 })
    await expect(opening).rejects.toMatchObject({
      code: 'MILL_STORE_UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${dead}`),
    })
  })
})
