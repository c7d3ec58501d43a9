import { describe, expect, it } from 'vitest'
import type { StateFamily } from '../../ports/batch.ts'
import { BatchTransaction } from '../../runtime/batch-transaction.ts'
import { StateCache } from '../../runtime/state-cache.ts'

interface Count {
  rows: number
}

const family: StateFamily<Count> = {
  name: 'count',
  codec: {
    encode: ({ rows }) => Buffer.from(String(rows)),
    decode: (bytes) => ({ rows: Number(Buffer.from(bytes).toString()) }),
  },
}

function open(options: { stored?: Record<string, string>; cache?: StateCache; watermarkMs?: number } = {}) {
  const reads: (readonly string[])[] = []
  const cache = options.cache ?? new StateCache(100)
  const transaction = new BatchTransaction({
    task: { topology: 'counting', partition: 3, partitions: 4, epoch: 1 },
    topic: 'users',
    cache: () => cache,
    positions: { 'item-signals/2': 7 },
    raw: [2, 5, 9].map((offset) => ({ offset, timestampMs: 0, key: `k${offset}`, value: Uint8Array.of(offset) })),
    watermarkMs: options.watermarkMs ?? 50,
    read: (keys) => {
      reads.push(keys)
      return Promise.resolve(keys.map((key) => (options.stored?.[key] ? Buffer.from(options.stored[key]) : null)))
    },
  })
  return { transaction, reads }
}

const sourced = (offset: number) => ({ value: { x: 1, bytes: Buffer.alloc(3) }, key: 'own', offset, loggedMs: 4 })

describe('BatchTransaction', () => {
  it('loads each key once, in one read per call, and remembers absence', async () => {
    const cache = new StateCache(100)
    const { transaction, reads } = open({ stored: { 'count:a': '4' }, cache })
    await transaction.load(family, ['a', 'b', 'a'])
    await transaction.load(family, ['b', 'a'])
    expect(reads).toEqual([['count:a', 'count:b']])
    expect([transaction.get(family, 'a'), transaction.get(family, 'b')]).toEqual([{ rows: 4 }, undefined])
    const next = open({ cache })
    await next.transaction.load(family, ['a', 'b'])
    expect(next.reads).toEqual([]) // The cache knows both.
  })

  it('reading a key that was not loaded is a broken promise and names it', () => {
    const { transaction } = open()
    expect(() => transaction.get(family, 'a')).toThrow(
      expect.objectContaining({ code: 'MILL_INVARIANT', message: expect.stringContaining('count:a without loading') }),
    )
  })

  it('reads its own writes and deletes; encodes only what was written', async () => {
    const { transaction } = open({ stored: { 'count:a': '4', 'count:b': '1', 'count:c': '9' } })
    await transaction.load(family, ['a', 'b', 'c'])
    transaction.put(family, 'a', { rows: 5 })
    transaction.delete(family, 'b')
    transaction.put(family, 'new', { rows: 1 })
    expect(['a', 'b', 'c', 'new'].map((key) => transaction.get(family, key)?.rows)).toEqual([5, undefined, 9, 1])
    const writes = [...transaction.writes()].map(([key, bytes]) => [key, bytes && Buffer.from(bytes).toString()])
    expect(writes).toEqual([
      ['count:a', '5'],
      ['count:b', null],
      ['count:new', '1'],
    ])
  })

  it('its writes are the task’s only once it is settled; a failed batch leaves no new key behind', async () => {
    const cache = new StateCache(100)
    const { transaction } = open({ cache })
    await transaction.load(family, ['a'])
    transaction.put(family, 'b', { rows: 2 })
    expect(cache.get('count:b')).toBeUndefined()
    transaction.settle()
    const next = open({ cache })
    await next.transaction.load(family, ['b'])
    expect([next.transaction.get(family, 'b'), next.reads]).toEqual([{ rows: 2 }, []])
  })

  it('holds its keys for the whole batch, however small the cache', async () => {
    const keys = Array.from({ length: 50 }, (_, index) => String(index))
    const { transaction } = open({
      cache: new StateCache(2),
      stored: Object.fromEntries(keys.map((key) => [`count:${key}`, key])),
    })
    await transaction.load(family, keys)
    expect(keys.map((key) => transaction.get(family, key)?.rows)).toEqual(keys.map(Number))
  })

  it('a dead letter keeps the bytes and key as they lay in the log', () => {
    const { transaction } = open()
    transaction.deadLetter(sourced(5), 'fold', 'MILL_RECORD_INVALID', 'bad')
    transaction.deadLetter(sourced(6), 'fold', 'MILL_RECORD_INVALID', 'not of this batch')
    expect(transaction.deadLetters).toMatchObject([
      {
        id: 'counting/users/3/5/fold',
        topology: 'counting',
        step: 'fold',
        code: 'MILL_RECORD_INVALID',
        key: 'k5',
        value: Buffer.from([5]),
      },
      { id: 'counting/users/3/6/fold', key: 'own', value: null },
    ])
    expect(transaction.rawCount).toBe(3)
  })

  it('a late record is told as text, with the watermark it missed, 0 if there was none', () => {
    const { transaction } = open()
    transaction.late(sourced(9), 'validate', 40)
    transaction.late(sourced(9), 'join', 40, 'user-events')
    expect(transaction.lateRecords).toMatchObject([
      { id: 'counting/users/3/9/validate', eventTimeMs: 40, watermarkMs: 50, key: 'own' },
      { id: 'counting/user-events/3/9/join' },
    ])
    expect(JSON.parse(transaction.lateRecords[0]!.content)).toMatchObject({ x: 1 })
    const none = open({ watermarkMs: Number.NEGATIVE_INFINITY }).transaction
    none.late(sourced(9), 'validate', 40)
    expect(none.lateRecords[0]!.watermarkMs).toBe(0)
  })

  it('upstream positions start at what is stored and never go back', () => {
    const { transaction } = open()
    expect([transaction.upstream('item-signals', 2), transaction.upstream('item-signals', 1)]).toEqual([7, 0])
    transaction.setUpstream('item-signals', 2, 7)
    transaction.setUpstream('item-signals', 1, 3)
    expect(() => transaction.setUpstream('item-signals', 2, 6)).toThrow('would go back to 6')
    expect(transaction.upstreams).toEqual({ 'item-signals/2': 7, 'item-signals/1': 3 })
  })
})
