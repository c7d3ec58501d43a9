import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../../connectors/embedded/event-log.ts'
import { LogCleaner } from '../../connectors/embedded/log-cleaner.ts'
import { LogStorage } from '../../connectors/embedded/log-storage.ts'
import { ManualClock } from '../../core/clock.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'

const dayMs = 86_400_000
const databases: EmbeddedDatabase[] = []
afterEach(() => {
  for (const database of databases.splice(0)) database.close()
})

describe('retention', () => {
  it('drops what is older than retentionMs, oldest first, and moves the start', () => {
    const { storage, cleaner } = open({ cleanup: 'delete', retentionMs: 1_000 })
    for (const atMs of [0, 500, 1_500, 2_000]) storage.append([record('k', 'v')], atMs)
    expect(cleaner.clean(1_000, 100)).toBe(0)
    expect(cleaner.clean(1_600, 100)).toBe(2)
    expect(kept(storage)).toEqual([2, 3])
    expect(storage.slots('topic')![0]).toMatchObject({ start: 2, end: 4 })
    expect(cleaner.clean(100_000, 100)).toBe(2)
    expect(storage.slots('topic')![0]).toMatchObject({ start: 4, end: 4 })
  })

  it('does a bounded piece of work per call', () => {
    const { storage, cleaner } = open({ cleanup: 'delete', retentionMs: 1_000 })
    storage.append(
      Array.from({ length: 100 }, () => record('k', 'v')),
      0,
    )
    expect(cleaner.clean(5_000, 30)).toBe(30)
    expect(kept(storage)).toHaveLength(70)
    for (let call = 0; call < 3; call++) cleaner.clean(5_000, 30)
    expect(kept(storage)).toEqual([])
  })

  it('keeps everything where no retention is set', () => {
    const { storage, cleaner } = open({ cleanup: 'delete' })
    storage.append([record('k', 'v')], 0)
    expect(cleaner.clean(365 * dayMs, 100)).toBe(0)
    expect(kept(storage)).toEqual([0])
  })
})

describe('compaction', () => {
  it('keeps the newest record of each key and offsets with gaps; the start stays', () => {
    const { storage, cleaner } = open({ cleanup: 'compact' })
    storage.append(
      [record('a', '1'), record('b', '1'), record('a', '2'), record('c', '1'), record('b', '2'), record('z', '1')],
      0,
    )
    expect(cleaner.clean(0, 100)).toBe(2)
    expect(kept(storage)).toEqual([2, 3, 4, 5])
    expect(storage.slots('topic')![0]).toMatchObject({ start: 0, end: 6 })
  })

  it('never takes the last record, so the end of a partition stays visible', () => {
    const { storage, cleaner } = open({ cleanup: 'compact' })
    storage.append([record('a', '1'), record('a', null)], 0)
    for (let day = 1; day < 5; day++) cleaner.clean(day * 2 * dayMs, 100)
    expect(kept(storage)).toContain(1)
  })

  it('leaves records younger than retentionMs alone, and takes them once they are older', () => {
    const { storage, cleaner } = open({ cleanup: 'compact', retentionMs: 1_000 })
    storage.append([record('a', '1'), record('a', '2')], 0)
    storage.append([record('a', '3'), record('z', '1'), record('z', '2')], 900)
    expect(cleaner.clean(999, 100)).toBe(0)
    expect(cleaner.clean(1_000, 100)).toBe(1)
    expect(kept(storage)).toEqual([1, 2, 3, 4])
    expect(cleaner.clean(1_899, 100)).toBe(0)
    expect(cleaner.clean(1_900, 100)).toBe(1)
    expect(kept(storage)).toEqual([2, 3, 4])
  })

  it('keeps records without a key: nothing can replace them', () => {
    const { storage, cleaner } = open({ cleanup: 'compact' })
    storage.append([record(null, '1'), record(null, '2'), record('a', '1')], 0)
    cleaner.clean(0, 100)
    expect(kept(storage)).toEqual([0, 1, 2])
  })

  it('keeps a tombstone for a day, so that every reader meets it, then removes it', () => {
    const { storage, cleaner } = open({ cleanup: 'compact' })
    storage.append([record('a', '1'), record('a', null), record('b', '1'), record('c', '1')], 0)
    for (let call = 0; call < 3; call++) cleaner.clean(dayMs - 1, 100)
    expect(kept(storage)).toEqual([1, 2, 3])
    for (let call = 0; call < 3; call++) cleaner.clean(dayMs + 1, 100)
    expect(kept(storage)).toEqual([2, 3])
    storage.append([record('a', '2'), record('d', '1')], 2 * dayMs)
    cleaner.clean(2 * dayMs, 100)
    expect(kept(storage)).toEqual([2, 3, 4, 5])
  })

  it('never changes what the newest value of any key is, for any records, cuts and calls', () => {
    const step = fc.oneof(
      fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.option(fc.constantFrom('1', '2', '3')) }),
      fc.record({ clean: fc.integer({ min: 1, max: 6 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { storage, cleaner } = open({ cleanup: 'compact' })
        const newest = new Map<string, string | null>()
        for (const [index, each] of steps.entries()) {
          const nowMs = (index * dayMs) / 10
          if ('clean' in each) cleaner.clean(nowMs, each.clean)
          else {
            storage.append([record(each.key, each.value)], nowMs)
            newest.set(each.key, each.value)
          }
        }
        const alive = (entries: Iterable<[string, string | null]>) => [...entries].filter(([, value]) => value !== null).sort()
        expect(alive(table(storage))).toEqual(alive(newest))
        databases.pop()!.close()
      }),
      { numRuns: 60 },
    )
  })

  it('works by itself beside sending, in small pieces, and followers of a compacted topic get across the gaps', async () => {
    const clock = new ManualClock(0)
    const database = openDatabase()
    const log = new EmbeddedEventLog(database, { clock, batchRecordsMax: 100 })
    await log.ensureTopics([{ name: 'topic', partitions: 1, cleanup: 'compact' }])
    await log.send(Array.from({ length: 5_000 }, (_, n) => record(`key-${n % 50}`, String(n))))
    for (let call = 0; call < 10; call++) clock.advance(500)
    const offsets: number[] = []
    let next = 0
    const follower = await log.follow({
      name: 'table',
      topics: ['topic'],
      batch(batch) {
        next = batch.nextOffset
        offsets.push(...batch.records.map(({ offset }) => offset))
      },
      failed: (error) => expect.unreachable(error.message),
    })
    await follower.caughtUp
    expect(next).toBe(5_000)
    // The last record is never looked at, so the one it replaces stays beside it.
    expect(offsets).toEqual(Array.from({ length: 51 }, (_, index) => 4_949 + index))
    await follower.stop()
    await log.close()
  })
})

function openDatabase(): EmbeddedDatabase {
  const database = openEmbeddedDatabase(':memory:')
  databases.push(database)
  return database
}

function open(spec: { cleanup: 'delete' | 'compact'; retentionMs?: number }) {
  const storage = new LogStorage(openDatabase())
  storage.ensure([{ name: 'topic', partitions: 1, ...spec }])
  return { storage, cleaner: new LogCleaner(storage) }
}

function record(key: string | null, value: string | null): OutgoingRecord {
  return { topic: 'topic', partition: 0, key, value: value === null ? null : Buffer.from(value) }
}

function records(storage: LogStorage) {
  const limits = { recordsMax: 1_000_000, bytesMax: 1_000_000 }
  return storage.read(storage.slots('topic')![0]!, 0, Number.MAX_SAFE_INTEGER, limits)?.records ?? []
}

function kept(storage: LogStorage): number[] {
  return records(storage).map(({ offset }) => offset)
}

function table(storage: LogStorage): Map<string, string | null> {
  return new Map(records(storage).map(({ key, value }) => [key!, value && Buffer.from(value).toString()]))
}
