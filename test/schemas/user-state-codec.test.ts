import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MillraceError } from '../../core/errors.ts'
import { foldUserEvent } from '../../operators/user-fold.ts'
import { type EventType, eventTypes, type UserEvent } from '../../schemas/user-event.ts'
import type { UserProfile } from '../../schemas/user-profile.ts'
import { emptyUserState, type UserState } from '../../schemas/user-state.ts'
import { userStateCodec } from '../../schemas/user-state-codec.ts'
import { byteChanges, mutated } from '../fuzz/byte-mutations.ts'

const openMs = 1_704_063_300_000
/** A state as version 1 wrote it. */
const versionOne =
  'Aacks/O4APcUvoAIB5fzIAgqnWDErjQQDqYAaP8wAfGf80tzAQMHlZ4oBd8lh9gZCbQBg8rO173aPAAABQMHlZ9OuJZOd957s/55/Pp9eX18e3l5eXl5CBHHiWZxYPPk75uTUTeDFNKXpxtPWx8iEzfxkA=='
const profile: UserProfile = {
  userId: 'u1',
  ageGroup: 'age_25_34',
  gender: null,
  region: 'nörd',
  preferredCategories: ['Toys'],
  consent: true,
  updatedMs: openMs,
}

const itemId = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 90 }).map((number) => `i${number}`) },
  fc.nat({ max: 20 }).map((number) => `0000${number}`),
  fc.constantFrom('3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'ätzend', 'i007', 'SKU 7/B'),
)
const name = fc.constantFrom('Toys', 'Games & Puzzles', 'Non-fiction', 'ÄÖÜ', 'toys', 'Home', '9to5')

/** Events minutes to months apart, some earlier than those before them. */
const event = fc.record({
  type: fc.constantFrom<EventType>(...eventTypes.slice(1)),
  itemId,
  stepMs: fc.oneof(fc.nat({ max: 62_000 }), fc.integer({ min: -3_600_000, max: 90_000_000 }), fc.constantFrom(0, 5e9)),
  session: fc.option(fc.nat({ max: 3 })),
  rating: fc.integer({ min: 10, max: 50 }),
  price: fc.option(fc.nat({ max: 1e7 }).map((cents) => cents / 100)),
  quantity: fc.option(fc.integer({ min: 0, max: 3 })),
  device: fc.constantFrom('unknown' as const, 'mobile' as const, 'tablet' as const),
  region: fc.option(fc.constantFrom('north', 'süd')),
  category: fc.array(name, { maxLength: 3 }),
  brand: fc.option(name),
})
const events = fc.array(event, { maxLength: 90, size: 'max' })

type Step = typeof event extends fc.Arbitrary<infer T> ? T : never

function eventsOf(steps: readonly Step[]): UserEvent[] {
  let timeMs = openMs
  return steps.map(({ stepMs, session, rating, ...parts }, number) => {
    timeMs += stepMs
    return {
      ...parts,
      eventId: `e${number % 70}`,
      userId: 'u1',
      itemId: parts.type === 'search' ? null : parts.itemId,
      timeMs,
      sessionId: session === null ? null : `s${session}`,
      listId: null,
      position: null,
      rating: parts.type === 'rating' ? rating / 10 : null,
      query: parts.type === 'search' ? `${parts.category.join(' ')} ${number % 4 ? 'wool' : ''} x` : null,
      timeZone: null,
    }
  })
}

/** A state with every list as long as it can be. */
function fullState(text: (number: number) => string): UserState {
  const list = (count: number) => Array.from({ length: count }, (_, number) => number)
  const lastMs = 2_000_000_000_000
  const day = 86_400_000
  return {
    ...emptyUserState(),
    profile,
    lastMs,
    firstMs: 1,
    recent: list(50).map((n) => ({
      itemId: text(n),
      timeMs: lastMs - n * 9 * day,
      type: 'rating',
      strength: Math.fround(0.1 * n),
    })),
    categories: { items: list(40).map(text), weights: list(40).map((n) => Math.fround(9 / (n + 1))), referenceMs: 0 },
    brands: { items: list(40).map(text), weights: list(40).map((n) => Math.fround(8 / (n + 1))), referenceMs: 30 * day },
    priceSum: Math.PI,
    priceSumMs: 60 * day,
    priceWeight: Number.MAX_VALUE,
    priceWeightMs: 0,
    hours: list(24).map((n) => Math.fround(n + 0.1)),
    hoursMs: 30 * day,
    sessionMinutes: Math.fround(1e9 / 3),
    sessionCount: Math.fround(1e6 / 7),
    sessionsMs: 60 * day,
    counts: eventTypes.map((_, n) => 2 ** 31 - n),
    tileIndices: list(169).map((n) => 555_000 + n),
    tileValues: list(169 * 5).map((n) => (n % 5 === 4 ? Math.E * n : n * 1_000)),
    dayIndices: list(91).map((n) => 23_050 + n),
    dayValues: list(91 * 2).map((n) => (n % 2 === 1 ? Math.E * n : n * 100)),
    searchesMs: list(5).map((n) => lastMs - n * 40 * day),
    searchWords: list(5).map((n) => list(6).map((word) => 2 ** 24 - 1 - n * word)),
    session: {
      sessionId: text(0),
      startMs: 5,
      lastMs: lastMs - 1,
      events: 2 ** 31,
      items: list(20).map((n) => text(n + 100)),
      cart: list(50).map((n) => text(n + 200)),
      searches: 2 ** 31,
      priceSum: 1e15 / 7,
      priceCount: 2 ** 31,
      categories: list(20).map((n) => text(n + 300)),
      categoryCounts: list(20).map((n) => 2 ** 31 + n),
    },
    purchased: list(50).map((n) => text(n + 400)),
    purchasedMs: list(50).map((n) => lastMs - n * day),
    dismissed: list(50).map((n) => text(n + 500)),
    device: 'tablet',
    region: text(1),
    eventIds: list(200).map((n) => 2 ** 48 - 1 - n),
    eventIdHours: list(200).map((n) => 555_000 + ((n * 7) % 25)),
  }
}

describe('userStateCodec', () => {
  it('gives back any state that events lead to, to the last bit, and goes on from it as from the state in memory', () => {
    fc.assert(
      fc.property(events, fc.boolean(), fc.boolean(), (steps, hasProfile, isLate) => {
        const state = emptyUserState()
        if (hasProfile) state.profile = profile
        let stored = state
        for (const each of eventsOf(steps)) {
          stored = userStateCodec.decode(userStateCodec.encode(stored))
          const idsKeptMs = isLate ? 48 * 3_600_000 : 0
          expect(foldUserEvent(stored, each, idsKeptMs)).toBe(foldUserEvent(state, each, idsKeptMs))
        }
        const bytes = userStateCodec.encode(state)
        expect(userStateCodec.decode(bytes)).toEqual(state)
        expect(userStateCodec.encode(stored).equals(bytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['numbered', 10_170, (number: number) => `item-${number}`],
    ['of 128 bytes', 62_000, (number: number) => `${String(number).padStart(3, '0')}${'ß'.repeat(62)}x`],
    ['UUIDs', 12_950, (number: number) => `3f2504e0-4f89-41d3-9a0c-${String(number).padStart(12, '0')}`],
  ])('gives back the largest state, with ids %s, in at most %i bytes', (_name, bytesMax, text) => {
    const state = fullState(text)
    const bytes = userStateCodec.encode(state)
    expect(userStateCodec.decode(bytes)).toEqual(state)
    expect(bytes.length).toBeLessThanOrEqual(bytesMax)
  })

  it('takes a few bytes for somebody of whom only a profile is known, and reads bytes that lie inside others', () => {
    const state = { ...emptyUserState(), profile }
    const bytes = userStateCodec.encode(state)
    expect(bytes.length).toBeLessThan(60)
    const within = new Uint8Array(bytes.length + 20)
    within.set(bytes, 7)
    expect(userStateCodec.decode(within.subarray(7, 7 + bytes.length))).toEqual(state)
  })

  it('refuses another version, and says what to do', () => {
    const bytes = userStateCodec.encode(emptyUserState())
    bytes[0] = 4
    expect(() => userStateCodec.decode(bytes)).toThrow(
      'the bytes are a UserState of version 4, and this Millrace reads versions 1 to 3: run the one that wrote them, or clear',
    )
    expect(() => userStateCodec.decode(new Uint8Array(0))).toThrow('the bytes are no UserState')
  })

  it('takes over what version 1 wrote: the days of the last week from its hours, and nothing more', () => {
    // Written by version 1: two purchases of 12.5 and 7 in one hour, one of 3 a day later, ten days after one of 99.
    const state = userStateCodec.decode(Buffer.from(versionOne, 'base64'))
    expect(state.purchased).toEqual(['i0', 'i1', 'i2', 'i3'])
    const day = Math.floor(state.lastMs / 86_400_000)
    expect([state.dayIndices, state.dayValues]).toEqual([
      [day - 1, day],
      [2, 19.5, 1, 3],
    ])
    expect(state.searchesMs).toEqual([])
    expect(userStateCodec.decode(userStateCodec.encode(state))).toEqual(state)
  })

  it('takes over what version 2 wrote: no session has ended', () => {
    // Written by version 2: a purchase of 12.5 and a view.
    const state = userStateCodec.decode(
      Buffer.from(
        'AqcXn83dQI4agQCtfWQBB6jw1BUS80tzAQBdzv4oAu/KG2rw7pQALud9k2Pk7QAAAQGkBRbFrpxeLpxez5/55/Pl5eXl5eXl5eXl5CjhqCWXee1xYWlNruACpsk0UxKGCPKA',
        'base64',
      ),
    )
    expect(state).toMatchObject({ purchased: ['i0'], dayValues: [1, 12.5], sessionCount: 0, lastMs: 1_700_000_100_000 })
    expect(userStateCodec.decode(userStateCodec.encode(state))).toEqual(state)
  })

  it('answers a state or a clear error for bytes that were changed, and for any bytes behind the version', () => {
    let refused = 0
    const read = (bytes: Uint8Array) => {
      try {
        userStateCodec.decode(bytes)
      } catch (error) {
        if (!(error instanceof MillraceError) || error.code !== 'MILL_SCHEMA_MISMATCH') throw error
        // Its cause is one of our own sentences, never what the language says of code that went wrong.
        if (error.cause instanceof TypeError || error.cause instanceof RangeError) throw error
        refused++
      }
    }
    const valid = fc.oneof(
      events.map((steps) => {
        const state = emptyUserState()
        for (const each of eventsOf(steps)) foldUserEvent(state, each)
        return userStateCodec.encode(state)
      }),
      fc.constant(userStateCodec.encode(fullState((number) => `i${number}`))),
    )
    fc.assert(
      fc.property(valid, fc.array(byteChanges, { minLength: 30, maxLength: 30 }), (bytes, all) => {
        for (const changes of all) read(mutated(bytes, changes))
      }),
      { numRuns: 60 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => read(Uint8Array.of(2, ...bytes))),
      { numRuns: 2_000 },
    )
    expect(refused).toBeGreaterThan(1_000)
  })
})
