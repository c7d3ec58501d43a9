import avro from 'avsc'
import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { topics } from '../../schemas/topics.ts'
import { WireFormat } from '../../schemas/wire-format.ts'

let schemas: string[]
let wire: WireFormat
beforeEach(async () => {
  schemas = []
  wire = await WireFormat.open({
    register: (_subject, schema) => Promise.resolve(schemas.push(schema)),
    byId: (id) => Promise.resolve(schemas[id - 1] ?? null),
  })
})

const profile = {
  userId: 'u',
  ageGroup: 'unknown' as const,
  gender: null,
  region: null,
  preferredCategories: ['a'],
  consent: true,
  updatedMs: 5,
}

describe('WireFormat', () => {
  it('reads what it wrote: byte 0, a 4-byte id, the body', () => {
    const bytes = wire.encode('users', profile)
    expect([bytes[0], schemas[bytes.readUInt32BE(1) - 1]]).toEqual([0, expect.stringContaining('UserProfile')])
    expect(wire.decode('users', bytes)).toEqual(expect.objectContaining(profile))
  })

  it('reads a record whose writer did not know a field yet', async () => {
    const written = JSON.parse(schemas[wire.encode('users', profile).readUInt32BE(1) - 1]!) as { fields: { name: string }[] }
    written.fields = written.fields.filter(({ name }) => name !== 'region')
    const older = avro.Type.forSchema(written as avro.Schema, { registry: {} })
    const { region: _region, ...known } = profile
    const header = Buffer.alloc(5)
    header.writeUInt32BE(schemas.push(JSON.stringify(written)), 1)
    const bytes = Buffer.concat([header, older.toBuffer({ ...known, ageGroup: 'unknown' })])
    await wire.prepare('users', [bytes])
    expect(wire.decode('users', bytes)).toMatchObject({ userId: 'u', region: null, preferredCategories: ['a'] })
  })

  it('names an id that nobody registered, and bytes that are no record', async () => {
    const unknown = wire.encode('users', profile)
    unknown.writeUInt32BE(9_999, 1)
    await wire.prepare('users', [unknown])
    expect(() => wire.decode('users', unknown)).toThrow('does not know schema id 9999')
    expect(() => wire.decode('users', Buffer.from([1, 2, 3]))).toThrow('not in the wire format')
    const cut = wire.encode('users', profile).subarray(0, 7)
    expect(() => wire.decode('users', cut)).toThrow(expect.objectContaining({ code: 'MILL_SCHEMA_MISMATCH' }))
    expect(() => wire.encode('users', { ...profile, updatedMs: 'x' } as never)).toThrow('updatedMs')
  })
})

describe('WireFormat on a registry that lags behind itself', () => {
  const knownFrom = new Map<number, number>()
  let clock: ManualClock
  let asked: number
  let lagging: WireFormat
  beforeEach(async () => {
    clock = new ManualClock(1_000_000)
    asked = 0
    knownFrom.clear()
    const registry = {
      register: (_subject: string, schema: string) => Promise.resolve(schemas.push(schema)),
      byId: (id: number) => {
        asked++
        return Promise.resolve(clock.nowMs() >= (knownFrom.get(id) ?? Number.POSITIVE_INFINITY) ? schemas[0]! : null)
      },
    }
    lagging = await WireFormat.open(registry, { clock, patienceMs: 5_000 })
  })

  const withId = (id: number) => {
    const bytes = lagging.encode('users', profile)
    bytes.writeUInt32BE(id, 1)
    return bytes
  }
  /** Milliseconds that `prepare` takes for these ids, by the clock moved by hand. */
  const prepared = async (...ids: number[]): Promise<number> => {
    const startMs = clock.nowMs()
    let done = false
    const preparing = Promise.resolve(lagging.prepare('users', ids.map(withId))).then(() => {
      done = true
    })
    for (let step = 0; step < 1_000 && !done; step++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (!done) clock.advance(50)
    }
    await preparing
    return clock.nowMs() - startMs
  }
  const isKnown = (id: number) => {
    try {
      lagging.decode('users', withId(id))
      return true
    } catch (error) {
      expect(error).toMatchObject({ code: 'MILL_SCHEMA_UNKNOWN' })
      return false
    }
  }

  it('waits for an id that becomes known in time: its records are no dead letters', async () => {
    schemas[0] = schemas[Object.keys(topics).indexOf('users')]!
    knownFrom.set(901, clock.nowMs() + 3_000)
    expect(await prepared(901, 902)).toBeLessThanOrEqual(5_500)
    expect(isKnown(901)).toBe(true)
    expect(isKnown(902)).toBe(false)
  })

  it('refuses what stays unknown after its patience, and asks again after half a minute without waiting', async () => {
    schemas[0] = schemas[Object.keys(topics).indexOf('users')]!
    expect(await prepared(903)).toBeGreaterThanOrEqual(5_000)
    expect(isKnown(903)).toBe(false)
    const before = asked
    clock.advance(29_000)
    expect(lagging.prepare('users', [withId(903)])).toBeUndefined()
    clock.advance(2_000)
    knownFrom.set(903, clock.nowMs())
    expect(await prepared(903)).toBe(0)
    expect(asked).toBe(before + 1)
    expect(isKnown(903)).toBe(true)
  })

  it('a producer of ever new unknown ids delays its topic by no more than a tenth of the time', async () => {
    const startMs = clock.nowMs()
    let waitedMs = 0
    for (let id = 1_000; clock.nowMs() - startMs < 300_000; id++) {
      waitedMs += await prepared(id)
      clock.advance(1_000)
    }
    expect(waitedMs).toBeGreaterThan(10_000)
    expect(waitedMs).toBeLessThanOrEqual(36_000)
  })
})
