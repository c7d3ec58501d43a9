import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../../connectors/embedded/event-log.ts'
import { EmbeddedListStore } from '../../connectors/embedded/list-store.ts'
import { EmbeddedSchemaRegistry } from '../../connectors/embedded/schema-registry.ts'
import { EmbeddedStateStore } from '../../connectors/embedded/state-store.ts'
import { ManualClock } from '../../core/clock.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import { waitUntil } from '../conformance/wait-until.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-database-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const task = { topology: 'features', partition: 0 }
const recordOf = (value: Uint8Array): OutgoingRecord => ({ topic: 'events', partition: 0, key: 'k', value })

describe('openEmbeddedDatabase', () => {
  it('makes missing folders and finds everything again', async () => {
    const path = join(folder, 'new', 'deep', 'shop.db')
    const first = await openAll(path)
    await first.log.send([recordOf(Uint8Array.of(1))])
    const { epoch } = await first.store.openTask(task)
    await first.store.commit(task, { epoch, from: {}, to: { events: 1 }, writes: new Map([['a', Uint8Array.of(7)]]), ttlS: 0 })
    await first.close()
    const second = await openAll(path)
    expect(await second.log.offsets('events')).toEqual([{ start: 0, end: 1 }])
    const again = await second.store.openTask(task)
    expect(again.epoch).toBeGreaterThan(epoch)
    expect(again.positions).toEqual({ events: 1 })
    expect(await second.store.read(task, ['a'])).toEqual([Uint8Array.of(7)])
    await second.close()
  })

  it('refuses what is no SQLite database, a newer format, and a path that cannot be opened, each with the path', () => {
    const text = join(folder, 'notes.txt')
    writeFileSync(text, 'this is certainly not a database, and long enough to be read as a header of one: '.repeat(20))
    expect(() => openEmbeddedDatabase(text)).toThrow(
      expect.objectContaining({ code: 'MILL_CONFIG_INVALID', message: expect.stringContaining(text) }),
    )

    const newer = join(folder, 'newer.db')
    const sqlite = new DatabaseSync(newer)
    sqlite.exec('PRAGMA user_version=99')
    sqlite.close()
    expect(() => openEmbeddedDatabase(newer)).toThrow(
      expect.objectContaining({ code: 'MILL_CONFIG_INVALID', message: expect.stringContaining('99') }),
    )

    const directory = join(folder, 'a-folder.db')
    mkdirSync(directory)
    expect(() => openEmbeddedDatabase(directory)).toThrow(
      expect.objectContaining({ code: 'MILL_STORE_UNAVAILABLE', message: expect.stringContaining(directory) }),
    )
  })
})

describe('an unwell file', () => {
  it('locked by another process for too long: unavailable, and fine again afterwards', async () => {
    const path = join(folder, 'locked.db')
    const all = await openAll(path, { busyMsMax: 20 })
    const { epoch } = await all.store.openTask(task)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const commit = { epoch, from: {}, to: { events: 1 }, writes: new Map([['a', Uint8Array.of(1)]]), ttlS: 0 }
    await expect(all.log.send([recordOf(Uint8Array.of(1))])).rejects.toMatchObject({
      code: 'MILL_LOG_UNAVAILABLE',
      reaction: 'retry',
    })
    await expect(all.store.commit(task, commit)).rejects.toMatchObject({ code: 'MILL_STORE_UNAVAILABLE', reaction: 'retry' })
    await expect(all.lists.swap([listOf(1)])).rejects.toMatchObject({ code: 'MILL_STORE_UNAVAILABLE' })
    await expect(all.registry.register('s', '"string"')).rejects.toMatchObject({ code: 'MILL_REGISTRY_UNAVAILABLE' })
    expect(await all.store.read(task, ['a'])).toEqual([null]) // Readers are not held up.
    other.exec('ROLLBACK')
    other.close()
    expect(await all.store.commit(task, commit)).toEqual({ kind: 'applied' })
    await all.log.send([recordOf(Uint8Array.of(1))])
    expect(await all.log.offsets('events')).toEqual([{ start: 0, end: 1 }])
    await all.close()
  })

  it('a full disk: unavailable with its cause, nothing half written, and fine again afterwards', async () => {
    const all = await openAll(join(folder, 'full.db'))
    const { epoch } = await all.store.openTask(task)
    const pages = all.database.row<[number]>('PRAGMA page_count')![0]
    all.database.execute(`PRAGMA max_page_count=${pages + 20}`)
    const big = Array.from({ length: 100 }, () => recordOf(new Uint8Array(10_000)))
    await expect(all.log.send(big)).rejects.toMatchObject({
      code: 'MILL_LOG_UNAVAILABLE',
      message: expect.stringContaining('disk is full'),
      cause: expect.anything(),
    })
    const writes = new Map(Array.from({ length: 100 }, (_, n) => [`key-${n}`, new Uint8Array(10_000)]))
    const commit = { epoch, from: {}, to: { events: 1 }, writes, ttlS: 0 }
    await expect(all.store.commit(task, commit)).rejects.toMatchObject({ code: 'MILL_STORE_UNAVAILABLE' })
    expect(await all.store.read(task, ['key-0', 'key-99'])).toEqual([null, null])
    expect(await all.store.progress(task)).toEqual({ epoch, positions: {} })
    expect(await all.log.offsets('events')).toEqual([{ start: 0, end: 0 }])

    all.database.execute('PRAGMA max_page_count=1000000')
    await all.log.send(big)
    expect(await all.store.commit(task, commit)).toEqual({ kind: 'applied' })
    expect(await all.log.offsets('events')).toEqual([{ start: 0, end: 100 }])
    await all.close()
  })

  it('readers are told after ten seconds of failed looks, once, not before', async () => {
    const clock = new ManualClock(0)
    const database = openEmbeddedDatabase(join(folder, 'gone.db'))
    const log = new EmbeddedEventLog(database, { clock })
    await log.ensureTopics([{ name: 'events', partitions: 1, cleanup: 'delete' }])
    const failures: Error[] = []
    const follower = await log.follow({
      name: 'table',
      topics: ['events'],
      batch() {},
      failed: (error) => void failures.push(error),
    })
    await follower.caughtUp
    database.close()
    clock.advance(9_800)
    expect(failures).toEqual([])
    clock.advance(10_000)
    expect(failures).toEqual([expect.objectContaining({ code: 'MILL_LOG_UNAVAILABLE' })])
    await log.close()
  })
})

describe('delivery', () => {
  it('batches end at the limits of records and bytes, and one larger record is a batch of its own', async () => {
    const { log, close } = await openAll(':memory:', {}, { batchRecordsMax: 10, batchBytesMax: 1_000 })
    const sizes = [...new Array<number>(25).fill(10), 990, 400, 400, 400, 5_000, 10]
    await log.send(sizes.map((size) => recordOf(new Uint8Array(size))))
    const batches: number[] = []
    for await (const { records } of log.read('events', 0, { from: 0, to: 100 })) batches.push(records.length)
    expect(batches).toEqual([10, 10, 6, 3, 1, 1])
    await close()
  })

  it('a partition with a backlog does not hold up another one', async () => {
    const { log, close } = await openAll(':memory:', {}, { batchRecordsMax: 1_000 })
    await log.ensureTopics([{ name: 'two', partitions: 2, cleanup: 'delete' }])
    await log.send(Array.from({ length: 50_000 }, () => ({ topic: 'two', partition: 0, key: null, value: null })))
    const order: number[] = []
    const follower = await log.follow({
      name: 'table',
      topics: ['two'],
      batch: ({ partition }) => void order.push(partition),
      failed: (error) => expect.unreachable(error.message),
    })
    await waitUntil('the backlog is begun', () => order.length > 0)
    await log.send([{ topic: 'two', partition: 1, key: null, value: null }])
    await follower.caughtUp
    expect(order.filter((partition) => partition === 0)).toHaveLength(50)
    expect(order.indexOf(1)).toBeGreaterThan(-1)
    expect(order.indexOf(1)).toBeLessThan(25)
    await close()
  })

  it('a handler that throws is told and loses its membership; its partitions go to the other member', async () => {
    const { log, close } = await openAll(':memory:')
    const failures: Error[] = []
    const seen: number[] = []
    const answers = { assigned: async () => ({ events: 0 }), revoked: async () => {} }
    const fail = () => {
      throw new Error('the handler is broken')
    }
    await log.join({
      group: 'g',
      topics: ['events'],
      handler: { ...answers, batch: fail, failed: (error) => void failures.push(error) },
    })
    await log.join({
      group: 'g',
      topics: ['events'],
      handler: {
        ...answers,
        batch: ({ records }) => void seen.push(...records.map(({ offset }) => offset)),
        failed: (error) => void failures.push(error),
      },
    })
    await log.send([recordOf(Uint8Array.of(1))])
    await waitUntil('the other member takes over', () => seen.length === 1)
    expect(failures.map(({ message }) => message)).toEqual(['the handler is broken'])
    await close()
  })

  it('sends of one turn are one transaction: seen together or not at all', async () => {
    const path = join(folder, 'together.db')
    const { log, close } = await openAll(path)
    const other = new DatabaseSync(path)
    const version = () => Number(Object.values(other.prepare('PRAGMA data_version').get()!)[0])
    version()
    const before = version()
    await Promise.all(Array.from({ length: 50 }, (_, n) => log.send([recordOf(Uint8Array.of(n))])))
    expect(other.prepare('SELECT count(*) AS count FROM records').get()).toEqual({ count: 50 })
    expect(version() - before).toBe(1)
    other.close()
    await close()
  })

  it('an unknown topic or partition is refused before anything is written', async () => {
    const { log, close } = await openAll(':memory:')
    const good = recordOf(Uint8Array.of(1))
    await expect(log.send([good, { ...good, topic: 'nowhere' }])).rejects.toMatchObject({ code: 'MILL_NOT_FOUND' })
    await expect(log.send([good, { ...good, partition: 1 }])).rejects.toMatchObject({ code: 'MILL_INVARIANT' })
    await expect(log.follow({ name: 't', topics: ['nowhere'], batch() {}, failed() {} })).rejects.toMatchObject({
      code: 'MILL_NOT_FOUND',
    })
    expect(await log.offsets('events')).toEqual([{ start: 0, end: 0 }])
    await close()
  })
})

describe('expiry', () => {
  it('erases expired state a slice at a time while the task goes on, so the file does not grow for ever', async () => {
    const clock = new ManualClock(0)
    const { store, database, close } = await openAll(':memory:', {}, {}, clock)
    const { epoch } = await store.openTask(task)
    let at = 0
    const commit = async (keys: string[], ttlS: number): Promise<void> => {
      const writes = new Map(keys.map((key) => [key, Uint8Array.of(1)]))
      const from = at === 0 ? {} : { events: at }
      expect(await store.commit(task, { epoch, from, to: { events: ++at }, writes, ttlS })).toEqual({ kind: 'applied' })
    }
    const names = (prefix: string) => Array.from({ length: 2_000 }, (_, n) => `${prefix}-${n}`)
    await commit(names('old'), 60)
    await commit(names('new'), 6_000)
    clock.advance(61_000)
    expect(await store.read(task, ['old-5', 'new-5'])).toEqual([null, Uint8Array.of(1)])
    for (let turn = 0; turn < 16 * 12; turn++) await commit(['busy'], 0)
    expect(database.row<[number]>('SELECT count(*) FROM state')![0]).toBe(2_001)
    await close()
  })
})

async function openAll(path: string, options: { busyMsMax?: number } = {}, limits: object = {}, clock?: ManualClock) {
  const database = openEmbeddedDatabase(path, options)
  const time = clock ? { clock } : {}
  const log = new EmbeddedEventLog(database, { ...limits, ...time })
  await log.ensureTopics([{ name: 'events', partitions: 1, cleanup: 'delete' }])
  const close = async (): Promise<void> => {
    await log.close()
    database.close()
  }
  const store = new EmbeddedStateStore(database, time)
  const lists = new EmbeddedListStore(database, time)
  return { database, log, store, lists, registry: new EmbeddedSchemaRegistry(database), close }
}

function listOf(position: number) {
  return { key: 'recs:{u}:home', value: `{"version":[1,${position}]}`, version: { epoch: 1, position }, ttlS: 0 }
}
