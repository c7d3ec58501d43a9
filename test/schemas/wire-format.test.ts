import avro from 'avsc'
import { beforeEach, describe, expect, it } from 'vitest'
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
