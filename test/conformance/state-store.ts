import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Positions } from '../../core/positions.ts'
import type { StateCommit, StateStore, TaskId } from '../../ports/state-store.ts'
import { waitUntil } from './wait-until.ts'

/**
 * Every promise of ports/state-store.ts as a case. `open` answers another connection to the same data at each call; its `close`
 * releases everything it opened. Tasks get topology names of their own, so the data may hold anything else.
 */
export function stateStoreConformance(name: string, open: () => Promise<StateStore>): void {
  describe(`StateStore: ${name}`, () => {
    let store: StateStore
    let other: StateStore

    beforeAll(async () => {
      store = await open()
      other = await open()
    })
    afterAll(async () => {
      await store?.close()
      await other?.close()
    })

    describe('ownership', () => {
      it('openTask starts a new task without positions; each epoch is above the one before and above what it is told', async () => {
        const task = newTask()
        const first = await store.openTask(task)
        expect(first.positions).toEqual({})
        const second = await other.openTask(task)
        expect(second.epoch).toBeGreaterThan(first.epoch)
        expect((await store.openTask(task)).epoch).toBeGreaterThan(second.epoch)
        const above = second.epoch + 2 ** 40
        expect((await other.openTask(task, above)).epoch).toBeGreaterThan(above)
        expect((await store.openTask(task)).epoch).toBeGreaterThan(above + 1)
      })

      it('renewTask gives the owner an epoch above its own and the one it is told, and to nobody where a newer owner exists', async () => {
        const task = newTask()
        const first = await store.openTask(task)
        await applied(store, task, { epoch: first.epoch, to: { events: 7 } })
        const above = first.epoch + 2 ** 40
        const renewed = (await store.renewTask(task, first.epoch, above))!
        expect(renewed.epoch).toBeGreaterThan(above)
        expect(renewed.positions).toEqual({ events: 7 })
        expect(await other.renewTask(task, first.epoch)).toBeNull()
        expect((await store.progress(task))?.epoch).toBe(renewed.epoch)
        // Held since before the store went back: it knows no epoch as new as this one.
        const held = renewed.epoch + 2 ** 40
        expect((await other.renewTask(task, held))!.epoch).toBeGreaterThan(held)
        expect((await store.renewTask(newTask(), 5))!.positions).toEqual({})
      })

      it('openTask answers the positions to go on from, and epochs are never given twice', async () => {
        const task = newTask()
        await applied(store, task, { epoch: (await store.openTask(task)).epoch, to: { events: 7 } })
        const opened = await Promise.all([store, other, store, other, store, other].map((each) => each.openTask(task)))
        expect(new Set(opened.map(({ epoch }) => epoch)).size).toBe(6)
        for (const { positions } of opened) expect(positions).toEqual({ events: 7 })
      })

      it('progress is null before a task ran and takes no ownership', async () => {
        const task = newTask()
        expect(await store.progress(task)).toBeNull()
        expect(await store.readWithProgress(task, ['a', 'b'])).toEqual({ progress: null, values: [null, null] })
        const { epoch } = await store.openTask(task)
        expect(await store.progress(task)).toEqual({ epoch, positions: {} })
        expect(await other.progress(task)).toEqual({ epoch, positions: {} })
      })

      it('tasks lists the partitions of one topology only, in ascending order', async () => {
        const { topology } = newTask()
        for (const partition of [10, 2, 0]) await store.openTask({ topology, partition })
        await store.openTask({ topology: `${topology}-longer`, partition: 5 })
        expect(await other.tasks(topology)).toEqual([0, 2, 10])
        expect(await store.tasks(`${topology}-unknown`)).toEqual([])
      })
    })

    describe('the store transaction', () => {
      it('writes values and positions together, visible to every connection', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        await applied(store, task, { epoch, to: { events: 3 }, writes: { a: bytes(1), b: bytes(2) } })
        expect(await valuesOf(other, task, ['b', 'missing', 'a', 'b'])).toEqual([bytes(2), null, bytes(1), bytes(2)])
        expect((await other.progress(task))?.positions).toEqual({ events: 3 })
      })

      it('refuses an older epoch as fenced and writes nothing', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        await applied(store, task, { epoch, to: { events: 1 }, writes: { a: bytes(1) } })
        await other.openTask(task)
        const late = commit({ epoch, from: { events: 1 }, to: { events: 2 }, writes: { a: null, b: bytes(2) } })
        expect(await store.commit(task, late)).toEqual({ kind: 'fenced' })
        expect(await valuesOf(store, task, ['a', 'b'])).toEqual([bytes(1), null])
        expect((await store.progress(task))?.positions).toEqual({ events: 1 })
      })

      it('compares epochs as numbers, up to the largest', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task, 9_999_999_999_999_998 - 2 ** 50)
        expect(await store.renewTask(task, 9)).toBeNull()
        await applied(store, task, { epoch, to: { events: 1 } })
        expect((await store.progress(task))?.epoch).toBe(epoch)
        expect((await store.openTask(task)).epoch).toBeGreaterThan(epoch)
      })

      it('refuses an epoch above the stored one too: its owner took it from a store that went back since', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        await applied(store, task, { epoch, to: { events: 1 } })
        const lost = commit({ epoch: epoch + 1, from: { events: 1 }, to: { events: 2 }, writes: { a: bytes(1) } })
        expect(await store.commit(task, lost)).toEqual({ kind: 'fenced' })
        expect(await store.progress(task)).toEqual({ epoch, positions: { events: 1 } })
        expect(await valuesOf(store, task, ['a'])).toEqual([null])
      })

      it('is fenced before it is moved', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const next = await other.openTask(task)
        await applied(other, task, { epoch: next.epoch, to: { events: 9 } })
        expect(await store.commit(task, commit({ epoch, from: {}, to: { events: 1 } }))).toEqual({ kind: 'fenced' })
      })

      it('refuses other stored positions as moved, tells them and writes nothing', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        await applied(store, task, { epoch, to: { events: 5 }, writes: { a: bytes(1) } })
        const wrong = commit({ epoch, from: { events: 4 }, to: { events: 6 }, writes: { a: bytes(2), b: bytes(3) } })
        expect(await store.commit(task, wrong)).toEqual({ kind: 'moved', positions: { events: 5 } })
        expect(await valuesOf(store, task, ['a', 'b'])).toEqual([bytes(1), null])
        expect((await store.progress(task))?.positions).toEqual({ events: 5 })
      })

      it('answers moved, with the positions it went to, when a commit is sent twice', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const once = commit({ epoch, from: {}, to: { events: 5 }, writes: { a: bytes(1) } })
        expect(await store.commit(task, once)).toEqual({ kind: 'applied' })
        expect(await store.commit(task, once)).toEqual({ kind: 'moved', positions: { events: 5 } })
      })

      it('lets exactly one of several commits from the same positions through', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const results = await Promise.all(
          [1, 2, 3, 4].map((n) =>
            (n % 2 ? store : other).commit(task, commit({ epoch, from: {}, to: { events: n }, writes: { a: bytes(n) } })),
          ),
        )
        expect(results.filter(({ kind }) => kind === 'applied')).toHaveLength(1)
        expect(results.filter(({ kind }) => kind === 'moved')).toHaveLength(3)
        const winner = results.findIndex(({ kind }) => kind === 'applied') + 1
        expect(await valuesOf(store, task, ['a'])).toEqual([bytes(winner)])
        expect((await store.progress(task))?.positions).toEqual({ events: winner })
      })

      it('compares positions as a whole: every input and upstream partition, in any order of names', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const all = { 'user-events': 12, users: 3, 'item-signals/0': 9_007_199_254_740_991, 'item-signals/11': 0 }
        await applied(store, task, { epoch, to: all })
        expect((await store.progress(task))?.positions).toEqual(all)
        const part = commit({ epoch, from: { 'user-events': 12 }, to: {} })
        expect(await store.commit(task, part)).toEqual({ kind: 'moved', positions: all })
        const shuffled = Object.fromEntries(Object.entries(all).reverse())
        await applied(store, task, { epoch, from: shuffled, to: { ...all, users: 4 } })
      })

      it('keeps tasks apart, also where one partition number begins with the other', async () => {
        const task = newTask(1)
        const neighbour = { ...task, partition: 12 }
        const a = await store.openTask(task)
        const b = await store.openTask(neighbour)
        await applied(store, task, { epoch: a.epoch, to: { events: 1 }, writes: { same: bytes(1) } })
        await applied(store, neighbour, { epoch: b.epoch, to: { events: 2 }, writes: { same: bytes(2) } })
        expect(await valuesOf(store, task, ['same'])).toEqual([bytes(1)])
        expect(await valuesOf(store, neighbour, ['same'])).toEqual([bytes(2)])
        expect(await scanned(store, task)).toEqual(new Map([['same', bytes(1)]]))
      })
    })

    describe('values', () => {
      it('keeps every byte, also zeros, and views into larger buffers', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const every = Uint8Array.from({ length: 256 }, (_, index) => index)
        const view = new Uint8Array(Uint8Array.from([9, 9, 0, 0, 13, 10, 9]).buffer, 2, 4)
        await applied(store, task, { epoch, to: { events: 1 }, writes: { every, view, zeros: new Uint8Array(1000) } })
        expect(await valuesOf(other, task, ['every', 'view', 'zeros'])).toEqual([
          every,
          Uint8Array.from([0, 0, 13, 10]),
          new Uint8Array(1000),
        ])
      })

      it('takes any text as key', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const keys = [
          '',
          ' ',
          'a:b',
          '{x}.y}',
          '*?[a]\\',
          'naïve',
          'é',
          'e\u0301',
          '日本',
          '👩‍👩‍👧',
          'line\r\nbreak',
          'zero\0byte',
        ]
        const writes = Object.fromEntries(keys.map((key, index) => [key, bytes(index + 1)]))
        await applied(store, task, { epoch, to: { events: 1 }, writes })
        expect(await valuesOf(other, task, keys)).toEqual(keys.map((_, index) => bytes(index + 1)))
        expect(await scanned(other, task)).toEqual(new Map(Object.entries(writes)))
      })

      it('deletes what is written as null, also what was not there', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        await applied(store, task, { epoch, to: { events: 1 }, writes: { a: bytes(1), b: bytes(2) } })
        await applied(store, task, { epoch, from: { events: 1 }, to: { events: 2 }, writes: { a: null, c: null } })
        expect(await valuesOf(store, task, ['a', 'b', 'c'])).toEqual([null, bytes(2), null])
      })

      it('refuses an empty value, which no store could tell from a deletion', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const empty = commit({ epoch, from: {}, to: { events: 1 }, writes: { a: bytes(1), b: new Uint8Array(0) } })
        await expect(store.commit(task, empty)).rejects.toMatchObject({ code: 'MILL_INVARIANT' })
        expect(await valuesOf(store, task, ['a', 'b'])).toEqual([null, null])
        expect((await store.progress(task))?.positions).toEqual({})
      })

      it('commits and reads no keys at all', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        await applied(store, task, { epoch, to: { events: 4 } })
        expect((await store.progress(task))?.positions).toEqual({ events: 4 })
        expect(await valuesOf(store, task, [])).toEqual([])
        expect(await valuesOf(store, newTask(), ['a'])).toEqual([null])
      })

      it('commits and reads 5,000 keys of 1 KiB at once', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const writes = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`user-${n}`, new Uint8Array(1024).fill(n)]))
        await applied(store, task, { epoch, to: { events: 5_000 }, writes })
        const values = await valuesOf(other, task, Object.keys(writes))
        expect(values.every((value, n) => value?.length === 1024 && value[0] === n % 256 && value[1023] === n % 256)).toBe(true)
      })
    })

    describe('expiry', () => {
      it('erases untouched keys, keeps touched ones, and never the positions', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        await applied(store, task, {
          epoch,
          to: { events: 1 },
          writes: { idle: bytes(1), busy: bytes(1), kept: bytes(1) },
          ttlS: 2,
        })
        await applied(store, task, { epoch, from: { events: 1 }, to: { events: 2 }, writes: { busy: bytes(2) }, ttlS: 600 })
        await applied(store, task, { epoch, from: { events: 2 }, to: { events: 3 }, writes: { kept: bytes(2) }, ttlS: 0 })
        expect(await valuesOf(store, task, ['idle'])).toEqual([bytes(1)])
        // By one way of reading: the key may expire between two.
        await waitUntil('the idle key expires', async () => (await store.read(task, ['idle']))[0] === null, 5_000)
        expect(await valuesOf(other, task, ['busy', 'kept'])).toEqual([bytes(2), bytes(2)])
        expect([...(await scanned(store, task)).keys()].sort()).toEqual(['busy', 'kept'])
        expect(await store.progress(task)).toEqual({ epoch, positions: { events: 3 } })
        expect(await store.tasks(task.topology)).toEqual([task.partition])
      })
    })

    describe('scan and clear', () => {
      it('scans every key with its value, in slices', async () => {
        const task = newTask()
        const { epoch } = await store.openTask(task)
        const writes = Object.fromEntries(Array.from({ length: 2_500 }, (_, n) => [`key-${n}`, bytes(1 + (n % 255))]))
        await applied(store, task, { epoch, to: { events: 1 }, writes })
        let slices = 0
        for await (const slice of other.scan(task)) slices += slice.length > 0 ? 1 : 0
        expect(slices).toBeGreaterThan(1)
        expect(await scanned(other, task)).toEqual(new Map(Object.entries(writes)))
        expect(await scanned(store, newTask())).toEqual(new Map())
      })

      it('clear erases state and positions, fences the running owner and leaves other tasks alone', async () => {
        const task = newTask(1)
        const neighbour = { ...task, partition: 11 }
        const { epoch } = await store.openTask(task)
        const near = await store.openTask(neighbour)
        const writes = Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`key-${n}`, bytes(1)]))
        await applied(store, task, { epoch, to: { events: 1 }, writes })
        await applied(store, neighbour, { epoch: near.epoch, to: { events: 8 }, writes: { a: bytes(8) } })
        await other.clear(task)
        expect(await scanned(store, task)).toEqual(new Map())
        expect(await valuesOf(store, task, ['key-7'])).toEqual([null])
        expect(await store.commit(task, commit({ epoch, from: { events: 1 }, to: { events: 2 } }))).toEqual({ kind: 'fenced' })
        const progress = await store.progress(task)
        expect(progress?.positions).toEqual({})
        expect(progress?.epoch).toBeGreaterThan(epoch)
        const again = await store.openTask(task)
        expect(again.epoch).toBeGreaterThan(progress!.epoch)
        expect(again.positions).toEqual({})
        await applied(store, task, { epoch: again.epoch, to: { events: 1 }, writes: { a: bytes(1) } })
        expect(await valuesOf(store, neighbour, ['a'])).toEqual([bytes(8)])
        expect(await store.progress(neighbour)).toEqual({ epoch: near.epoch, positions: { events: 8 } })
      })
    })

    it('equals a Map with positions under any order of owners, commits and repeats', async () => {
      const step = fc.record({
        kind: fc.constantFrom('commit', 'commit', 'commit', 'repeat', 'open', 'stale', 'clear'),
        writes: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.option(fc.uint8Array({ minLength: 1, maxLength: 4 }))),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          await followsModel(store, other, steps)
        }),
        { numRuns: 25 },
      )
    })
  })
}

interface ModelStep {
  readonly kind: string
  readonly writes: Readonly<Record<string, Uint8Array | null>>
}

/** Runs the steps against the store and a plain model and compares them after each. */
async function followsModel(store: StateStore, other: StateStore, steps: readonly ModelStep[]): Promise<void> {
  const task = newTask()
  const model = new Map<string, Uint8Array>()
  let owner = await store.openTask(task)
  let at = 0
  let positions: Positions = {}
  let last: StateCommit | null = null
  for (const { kind, writes } of steps) {
    if (kind === 'open') {
      owner = await other.openTask(task)
      expect(owner.positions).toEqual(positions)
    } else if (kind === 'clear') {
      await other.clear(task)
      model.clear()
      positions = {}
      last = null
      owner = await store.openTask(task)
    } else if (kind === 'stale') {
      const stale = commit({ epoch: owner.epoch - 1, from: positions, to: { events: at + 1 }, writes })
      expect((await store.commit(task, stale)).kind).toBe('fenced')
    } else if (kind === 'repeat' && last) {
      expect((await other.commit(task, { ...last, epoch: owner.epoch })).kind).toBe('moved')
    } else {
      at++
      last = commit({ epoch: owner.epoch, from: positions, to: { events: at }, writes })
      expect((await store.commit(task, last)).kind).toBe('applied')
      positions = last.to
      for (const [key, value] of Object.entries(writes)) value ? model.set(key, value) : model.delete(key)
    }
    expect(await valuesOf(store, task, ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'c', 'd'].map((key) => model.get(key) ?? null))
  }
}

let tasks = 0

/** A task nobody has used; the run's number keeps apart what an earlier run left in a real server. */
function newTask(partition = 3): TaskId {
  return { topology: `conformance-${process.pid}-${performance.timeOrigin.toFixed(0)}-${tasks++}`, partition }
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

interface CommitParts {
  readonly epoch: number
  readonly from?: Positions
  readonly to: Positions
  readonly writes?: Readonly<Record<string, Uint8Array | null>>
  readonly ttlS?: number
}

function commit({ epoch, from = {}, to, writes = {}, ttlS = 0 }: CommitParts): StateCommit {
  return { epoch, from, to, writes: new Map(Object.entries(writes)), ttlS }
}

async function applied(store: StateStore, task: TaskId, parts: CommitParts): Promise<void> {
  expect(await store.commit(task, commit(parts))).toEqual({ kind: 'applied' })
}

/** What `read` answers, as plain arrays: a store may answer a subclass. */
async function valuesOf(store: StateStore, task: TaskId, keys: readonly string[]): Promise<(Uint8Array | null)[]> {
  const plain = (values: readonly (Uint8Array | null)[]) => values.map((value) => value && Uint8Array.from(value))
  const values = plain(await store.read(task, keys))
  // Both ways of reading see the same.
  const reading = await store.readWithProgress(task, keys)
  expect(plain(reading.values)).toEqual(values)
  expect(reading.progress).toEqual(await store.progress(task))
  return values
}

async function scanned(store: StateStore, task: TaskId): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for await (const slice of store.scan(task)) for (const [key, value] of slice) found.set(key, Uint8Array.from(value))
  return found
}
