import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { readDeadLetters } from '../../cli/dead-letter-log.ts'
import { createRandom } from '../../core/random.ts'
import { userFamily } from '../../operators/fold-user-events.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import { eventFault } from '../../schemas/event-fault.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import { malform } from '../../simulator/malform.ts'
import { CliFolder } from '../cli/run-cli.ts'
import { byteChanges, mutated } from '../fuzz/byte-mutations.ts'
import { engineHere } from './engine-here.ts'
import { recordedShop, Stack } from './stack.ts'

const goodEvents = 100_000
const badEvents = 1_000
/** Id that `malform` uses for a schema nobody has registered. */
const unknownId = 2_000_000_001
/** Other topologies read the same records and have letters of their own. */
const unknownSchema = { topology: 'user-features', code: 'MILL_SCHEMA_UNKNOWN' }
const folder = new CliFolder()
let stack: Stack

/** A stack on the folder's database; nothing is late, however long a record lay among the dead letters. */
const openStack = () =>
  Stack.open(
    loadConfig(undefined, {
      partitions: 4,
      embedded: { path: join(folder.path, 'test.db') },
      features: { latenessMs: 86_400_000 },
      log: { level: 'error' },
    }),
  )

beforeAll(async () => {
  stack = await openStack()
})
afterAll(async () => {
  await stack?.close()
  await folder.close()
})

it('1,000 malformed records among 100,000 good ones: each is a dead letter with its reason, all others are processed', {
  timeout: 180_000,
}, async () => {
  const shop = recordedShop({ events: goodEvents, users: 2_000, eventsPerSecond: 100, lateShare: 0, duplicateShare: 0 })
  const events = shop.flatMap((record) => (record.topic === 'user-events' && record.value ? [record.value] : []))
  const encode = (event: (typeof events)[number]) => stack.ports.wire.encode('user-events', event)
  const bad = [...malform(events, { count: badEvents, seed: 'bad', encode })]
  // Each lies at a random place among the good ones, on the partition of the person it pretends to be.
  const random = createRandom('places')
  const places = new Map<number, OutgoingRecord[]>()
  for (const { key, bytes } of bad) {
    const place = random.below(shop.length)
    const record = { ...stack.encoded({ ...shop[0]!, key } as never), topic: 'user-events', value: bytes }
    places.set(place, [...(places.get(place) ?? []), record])
  }
  await stack.append(shop.flatMap((record, place) => [stack.encoded(record), ...(places.get(place) ?? [])]))

  const started = performance.now()
  expect(await run(stack)).toMatchObject({ name: 'user-features', deadLetters: badEvents, late: 0 })
  const seconds = (performance.now() - started) / 1000
  const letters = await readDeadLetters(stack.ports, { topology: 'user-features' })
  const text = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString('hex')
  const expected = bad.map(({ bytes, code, key }) => `${key} ${code} ${text(bytes)}`).sort()
  expect(letters.map(({ value, code, key }) => `${key} ${code} ${text(value)}`).sort()).toEqual(expected)
  expect(letters.filter(({ reason }) => reason === '')).toEqual([])
  expect(await eventsCounted(stack)).toBe(goodEvents)
  const { wrong, records, keys } = await stack.verify()
  expect(wrong).toEqual([])
  console.info(`${records} records folded in ${seconds.toFixed(1)} s, ${letters.length} dead letters, ${keys} keys compared`)
})

it('what is replayed after a fix is processed, and once only', { timeout: 120_000 }, async () => {
  const due = await readDeadLetters(stack.ports, unknownSchema)
  expect(due.length).toBeGreaterThan(50)
  // The fix: somebody registers the schema that these records name.
  const { id, schema } = (await stack.ports.registry.latest('user-events-value'))!
  expect(id).not.toBe(unknownId)
  await stack.close()
  const database = new DatabaseSync(join(folder.path, 'test.db'))
  database.prepare('INSERT INTO schemas (id, schema) VALUES (?, ?)').run(unknownId, `${schema} `)
  database.close()

  const replay = ['dead-letters', 'replay', '--all', '--code', unknownSchema.code, '--topology', unknownSchema.topology]
  expect(await folder.json(...replay)).toMatchObject({ code: 0, value: { replayed: due.length, replayedBefore: 0 } })
  expect(await folder.json(...replay)).toMatchObject({ code: 0, value: { replayed: 0, replayedBefore: due.length } })
  stack = await openStack()
  expect(await run(stack)).toMatchObject({ name: 'user-features', records: due.length, deadLetters: 0, late: 0 })
  expect(await eventsCounted(stack)).toBe(goodEvents + due.length)
  expect(await readDeadLetters(stack.ports, { topology: 'user-features' })).toHaveLength(badEvents)
  // What was set aside stays set aside in the fold too, although its schema is known by now.
  expect((await stack.verify('user-features')).wrong).toEqual([])
})

it('1,000 mutated records among good ones: good ones are unharmed, the others are processed or set aside once', {
  timeout: 120_000,
}, async () => {
  const seed = Date.now() % 2 ** 31
  // Mutated times move event time; nothing may be late for it.
  const features = { latenessMs: 100 * 365 * 86_400_000 }
  const config = { partitions: 2, embedded: { path: ':memory:' }, features, log: { level: 'silent' } }
  const stacks = [await Stack.open(loadConfig(undefined, config)), await Stack.open(loadConfig(undefined, config))] as const
  try {
    const [mixed, clean] = stacks
    const shop = recordedShop({ events: 6_000, users: 300, lateShare: 0 })
    const good = (stack: Stack) => shop.map((record) => stack.encoded(record))
    const model = shop.find((record) => record.topic === 'user-events' && record.value)!
    const stranger = { ...(model.value as UserEvent), eventId: 'stranger-event', userId: 'stranger' }
    const bytes = mixed.ports.wire.encode('user-events', stranger)
    const changes = fc.sample(byteChanges, { numRuns: badEvents, seed })
    const records = good(mixed)
    const bad = changes.map((change, at): OutgoingRecord => {
      return { topic: 'user-events', partition: at % 2, key: `stranger-${at}`, value: mutated(bytes, change) }
    })
    const every = Math.floor(records.length / bad.length)
    await mixed.append(bad.flatMap((record, at) => [...records.slice(at * every, (at + 1) * every), record]))
    await mixed.append(records.slice(bad.length * every))
    await clean.append(good(clean))
    const refused = await refusedOf(mixed, bad)
    expect(refused.length, `seed ${seed}`).toBeGreaterThan(badEvents / 4)
    expect(refused.length, `seed ${seed}`).toBeLessThan(badEvents)

    const users = await run(mixed)
    await run(clean)
    expect(users, `seed ${seed}`).toMatchObject({ deadLetters: refused.length, late: 0 })
    const letters = await readDeadLetters(mixed.ports, { topology: 'user-features' })
    expect(letters.map(({ key }) => key).sort()).toEqual(refused.map(({ key }) => key).sort())
    const [there, here] = [await mixed.state('user-features'), await clean.state('user-features')]
    const people = [...here].filter(([key]) => key.includes(` ${userFamily.name}:`))
    expect(people.length).toBeGreaterThan(200)
    const harmed = people.filter(([key, state]) => !isSamePerson(state, there.get(key)))
    expect(
      harmed.map(([key]) => key),
      `seed ${seed}`,
    ).toEqual([])
    expect((await mixed.verify()).wrong, `seed ${seed}`).toEqual([])
  } finally {
    for (const each of stacks) await each.close()
  }
})

/** Those that do not decode or break a rule of the events. */
async function refusedOf(stack: Stack, records: readonly OutgoingRecord[]): Promise<readonly OutgoingRecord[]> {
  const { wire, clock } = stack.ports
  await wire.prepare(
    'user-events',
    records.map(({ value }) => value),
  )
  return records.filter(({ value }) => {
    try {
      return eventFault(wire.decode('user-events', value!), clock.nowMs()) !== null
    } catch {
      return true
    }
  })
}

/** Whether two states say the same of a person. */
function isSamePerson(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0
}

/** Runs an engine until all is applied; answers how `user-features` did. */
async function run(stack: Stack) {
  const { engine, failures } = engineHere(stack)
  await engine.start()
  await stack.untilCaughtUp(150_000)
  const [users] = await engine.status()
  await engine.stop()
  expect(failures).toEqual([])
  return users
}

/** Events that people's counters hold. */
async function eventsCounted(stack: Stack): Promise<number> {
  let events = 0
  for (const [key, bytes] of await stack.state('user-features'))
    if (key.includes(` ${userFamily.name}:`)) for (const count of userFamily.codec.decode(bytes).counts) events += count
  return events
}
