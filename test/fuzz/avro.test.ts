import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { MillraceError } from '../../core/errors.ts'
import { type TopicName, topics } from '../../schemas/topics.ts'
import { WireFormat } from '../../schemas/wire-format.ts'
import { avroValues } from './avro-values.ts'
import { byteChanges, mutated, zigzag } from './byte-mutations.ts'

const topicNames = Object.keys(topics) as TopicName[]
const schemas: string[] = []
const foreignSchemas: string[] = []
let wire: WireFormat

beforeAll(async () => {
  wire = await WireFormat.open({
    register: (_subject, schema) => Promise.resolve(schemas.push(schema)),
    byId: (id) => Promise.resolve(schemas[id - 1] ?? foreignSchemas[id - 1_234_567_891] ?? null),
  })
})

/** What a decode comes to: a value, or the code of an error that sets the record aside; anything else fails the test. */
function outcome(topic: TopicName, bytes: Uint8Array): string {
  try {
    wire.decode(topic, bytes)
    return 'value'
  } catch (error) {
    if (error instanceof MillraceError && error.reaction === 'dead-letter' && error.message !== '') return error.code
    throw error
  }
}

async function outcomeOf(topic: TopicName, bytes: Uint8Array): Promise<string> {
  await wire.prepare(topic, [bytes])
  return outcome(topic, bytes)
}

/** The message of the error under the one that sets the record aside. */
function causeOf(topic: TopicName, bytes: Uint8Array): string {
  try {
    wire.decode(topic, bytes)
    return 'a value'
  } catch (error) {
    return ((error as Error).cause as Error).message
  }
}

describe.each(topicNames)('%s', (topic) => {
  const values = avroValues(topics[topic].schema.text)

  it('mutated records decode to a value or are set aside', async () => {
    const told: Record<string, number> = {}
    await fc.assert(
      fc.asyncProperty(values, byteChanges, async (value, changes) => {
        const good = wire.encode(topic, value as never)
        expect(outcome(topic, good)).toBe('value')
        const seen = await outcomeOf(topic, mutated(good, changes))
        told[seen] = (told[seen] ?? 0) + 1
      }),
      { numRuns: 150 },
    )
    // The property must not hold for want of broken records.
    expect(told['MILL_SCHEMA_MISMATCH']).toBeGreaterThan(20)
  })

  it('random bytes behind a right header decode to a value or are set aside', () => {
    const header = wire.encode(topic, fc.sample(values, { numRuns: 1, seed: 1 })[0] as never).subarray(0, 5)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        outcome(topic, Buffer.concat([header, bytes]))
        outcome(topic, bytes)
      }),
      { numRuns: 150 },
    )
  })

  it('no count in a record, wherever it stands, makes the reader allocate or loop', () => {
    const good = wire.encode(topic, fc.sample(values, { numRuns: 1, seed: 7 })[0] as never)
    const hostile = [1n << 24n, 1n << 31n, (1n << 32n) - 1n, 1n << 40n, 1n << 52n, -(1n << 24n), -(1n << 40n)].map(zigzag)
    const started = performance.now()
    for (let at = 5; at < good.length; at++)
      for (const count of hostile) {
        outcome(topic, Buffer.concat([good.subarray(0, at), count]))
        outcome(topic, Buffer.concat([good.subarray(0, at), count, good.subarray(at)]))
      }
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

describe('foreign writers', () => {
  const foreign = (topic: TopicName, schema: unknown, body: Uint8Array): Promise<[string, Buffer]> => {
    // Far from the ids that mutated records name: an id found unknown once stays so.
    const id = 1_234_567_890 + foreignSchemas.push(typeof schema === 'string' ? schema : JSON.stringify(schema))
    const header = Buffer.alloc(5)
    header.writeUInt32BE(id, 1)
    const bytes = Buffer.concat([header, body])
    return outcomeOf(topic, bytes).then((seen) => [seen, bytes])
  }
  const written = () => JSON.parse(topics.users.schema.text) as { fields: unknown[] }

  it('a count larger than the record is refused before anything is allocated for it', async () => {
    const extra = { name: 'extra', type: { type: 'array', items: 'string' } }
    const inOurs = Buffer.concat([Buffer.from([2, 0x75, 0, 0, 0]), zigzag(1n << 24n)])
    const [, ours] = await foreign('users', topics.users.schema.text, inOurs)
    expect(causeOf('users', ours)).toContain('16777216 items')
    const [seen, skipped] = await foreign('users', { ...written(), fields: [extra, ...written().fields] }, zigzag(1n << 24n))
    expect(seen).toBe('MILL_SCHEMA_MISMATCH')
    expect(causeOf('users', skipped)).toContain('16777216 items')
  })

  it.each([
    ['array', { type: 'array', items: 'string' }],
    ['map', { type: 'map', values: 'string' }],
  ])('a block of a field we do not know that ends before it begins is refused: %s', async (_name, type) => {
    const fields = [{ name: 'extra', type }, ...written().fields]
    // A block of -1 items whose size leads back to its own count: skipping it would never end.
    const [seen] = await foreign('users', { ...written(), fields }, Buffer.concat([zigzag(-1n), zigzag(-2n), Buffer.alloc(40)]))
    expect(seen).toBe('MILL_SCHEMA_MISMATCH')
  })

  it('a registered schema of any kind is a reason, never a crash', async () => {
    const node = { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['Node', 'null'] }] }
    const strange = [
      'syntax = "proto3";',
      '',
      '{}',
      'null',
      '[]',
      '"string"',
      '{"type":"object","properties":{}}',
      JSON.stringify({ type: 'fixed', name: 'Big', size: 2 ** 40 }),
      JSON.stringify({ ...written(), fields: [] }),
      JSON.stringify({ ...written(), fields: [{ name: 'node', type: node }, ...written().fields] }),
      '['.repeat(50_000),
    ]
    for (const schema of strange)
      for (const body of [Buffer.alloc(0), Buffer.alloc(60_000), Buffer.alloc(200, 255)])
        expect((await foreign('users', schema, body))[0], schema.slice(0, 60)).toBe('MILL_SCHEMA_MISMATCH')
  })

  it('mutated schemas of ours with mutated records are set aside or read', async () => {
    const topic = fc.constantFrom(...topicNames)
    const told: Record<string, number> = {}
    await fc.assert(
      fc.asyncProperty(topic, fc.nat(), fc.option(byteChanges, { freq: 2 }), async (name, seed, changes) => {
        const text = topics[name].schema.text
        const value = fc.sample(avroValues(text), { numRuns: 1, seed })[0]
        const body = wire.encode(name, value as never).subarray(5)
        const parsed = JSON.parse(text) as { fields: { name: string; type: unknown }[] }
        const field = parsed.fields[seed % parsed.fields.length]!
        if (seed % 3 === 0) field.type = ['long', 'string', { type: 'map', values: 'long' }][seed % 5] ?? 'bytes'
        else if (seed % 3 === 1) field.name = `${field.name}X`
        const [seen] = await foreign(name, parsed, changes ? mutated(body, changes) : body)
        told[seen] = (told[seen] ?? 0) + 1
      }),
      { numRuns: 400 },
    )
    expect(Math.min(told['value']!, told['MILL_SCHEMA_MISMATCH']!)).toBeGreaterThan(20)
  })
})
