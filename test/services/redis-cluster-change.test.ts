import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startRedisCluster } from '../../cli/services/redis-cluster-service.ts'
import { startRedisServer } from '../../cli/services/redis-service.ts'
import type { Service } from '../../cli/services/service.ts'
import { openRedis, type RedisConnection } from '../../connectors/redis/connection.ts'
import { RedisListStore } from '../../connectors/redis/list-store.ts'
import { RedisStateStore } from '../../connectors/redis/state-store.ts'
import type { ListEntry } from '../../ports/list-store.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { moveSlot, slotOf } from './move-slot.ts'
import { describeWithService } from './require-service.ts'
import { StateCommitter } from './state-committer.ts'

// A cluster of its own, because its slots are moved; the shared one tells whether a cluster can run here at all.
describeWithService('redis-cluster', 'Redis Cluster changes under way', () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-redis-cluster-'))
  let service: Service
  let connection: RedisConnection
  let nodes: Redis[] = []

  beforeAll(async () => {
    service = await startRedisCluster({ dir, cacheDir: dir, detached: false, log() {} })
    connection = await openRedis(`redis-cluster://${service.address}`, { commandTimeoutMs: 1_000 })
    nodes = service.address.split(',').map((address) => new Redis(`redis://${address}`))
    for (const node of nodes) node.on('error', () => {}) // One of them is killed.
  })
  afterAll(async () => {
    await connection?.close()
    for (const node of nodes) node.disconnect()
    await Promise.all((service?.processes ?? []).map((process) => process.stop()))
    rmSync(dir, { recursive: true, force: true })
  })

  it('a slot that moves to another node while it is written: nothing is lost or refused', async () => {
    const task = { topology: 'moving', partition: 3 }
    const store = new RedisStateStore(connection)
    const committer = new StateCommitter(store, task)
    await committer.start()
    await committer.advance(300)
    await moveSlot(nodes, slotOf('{moving.3}'))
    await committer.advance(50)
    await moveSlot(nodes, slotOf('{moving.3}'))
    await committer.advance(50)
    await committer.stop()
    expect(committer.faults).toEqual([])
    expect(committer.failures).toBe(0)
    expect(await committer.lost()).toEqual([])
    await store.clear(task)
    for await (const slice of store.scan(task)) expect(slice).toEqual([])
  })

  it('lists on all nodes are swapped and read on while one of their slots moves', async () => {
    const lists = new RedisListStore(connection)
    const keys = Array.from({ length: 60 }, (_, n) => `recs:{user-${n}}:home`)
    const at = (position: number): ListEntry[] =>
      keys.map((key) => ({
        key,
        value: `{"version":[1,${position}]}`,
        companions: [{ key: `${key}:reserve`, value: String(position) }],
        version: { epoch: 1, position },
        ttlS: 600,
      }))
    let position = 0
    let moving = true
    const refused: string[] = []
    const swapping = (async () => {
      while (moving) {
        const written = await lists.swap(at(++position))
        if (!written.every(Boolean)) refused.push(`position ${position}`)
      }
    })()
    for (const key of keys.slice(0, 3)) {
      const before = position
      await moveSlot(nodes, slotOf(key))
      await waitUntil('lists are swapped after the move', () => position > before + 2)
    }
    moving = false
    await swapping
    expect(refused).toEqual([])
    expect(await lists.get(keys)).toEqual(keys.map(() => `{"version":[1,${position}]}`))
    expect(await lists.get(keys.map((key) => `${key}:reserve`))).toEqual(keys.map(() => String(position)))
    expect(await lists.swap(at(position))).toEqual(keys.map(() => false))
  })

  it('a node that hangs stops only its own tasks, and they go on when it does', async () => {
    const store = new RedisStateStore(connection)
    const committers = new Map<number, StateCommitter>()
    for (let partition = 0; committers.size < 3; partition++) {
      const node = nodes.findIndex((each) => each.options.port === connection.owner(`{hanging.${partition}}`).options.port)
      if (!committers.has(node)) committers.set(node, new StateCommitter(store, { topology: 'hanging', partition }))
    }
    await Promise.all([...committers.values()].map((committer) => committer.start()))
    await Promise.all([...committers.values()].map((committer) => committer.advance(20)))
    process.kill(service.processes[0]!.pid, 'SIGSTOP')
    try {
      await waitUntil('its task fails', () => committers.get(0)!.failures > 0)
      await Promise.all([committers.get(1)!.advance(20), committers.get(2)!.advance(20)])
    } finally {
      process.kill(service.processes[0]!.pid, 'SIGCONT')
    }
    await committers.get(0)!.advance(20)
    for (const committer of committers.values()) {
      await committer.stop()
      expect(committer.faults).toEqual([])
      expect(await committer.lost()).toEqual([])
    }
    expect(committers.get(1)!.failures + committers.get(2)!.failures).toBe(0)
  })

  it('a node that is killed and started again: nothing acknowledged is lost, and the client finds it by itself', async () => {
    await nodes[0]!.config('SET', 'appendfsync', 'always')
    await nodes[0]!.config('SET', 'appendonly', 'yes')
    await waitUntil('the append-only file is complete', async () =>
      /aof_rewrite_in_progress:0[\s\S]*aof_rewrite_scheduled:0/.test(await nodes[0]!.info()),
    )
    const store = new RedisStateStore(connection)
    let partition = 0
    while (connection.owner(`{killed.${partition}}`).options.port !== nodes[0]!.options.port) partition++
    const committer = new StateCommitter(store, { topology: 'killed', partition })
    await committer.start()
    await committer.advance(50)
    const bus = /@(\d+) myself/.exec(String(await nodes[0]!.cluster('NODES')))![1]!
    process.kill(service.processes[0]!.pid, 'SIGKILL')
    const failures = committer.failures
    await waitUntil('the task has met the outage', () => committer.failures > failures)
    const again = await startRedisServer({
      name: 'redis-cluster-0',
      port: nodes[0]!.options.port!,
      dir: join(dir, '0'),
      cacheDir: dir,
      detached: false,
      log() {},
      extraArgs: ['--cluster-enabled', 'yes', '--cluster-port', bus, '--appendonly', 'yes', '--appendfsync', 'always'],
    })
    try {
      await committer.advance(50)
      await committer.stop()
      expect(committer.faults).toEqual([])
      expect(await committer.lost()).toEqual([])
    } finally {
      await again.stop()
    }
  })
})
