import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readServedList } from '../../gateway/read-served-list.ts'
import { type RecommendedItem, reasonCodes } from '../../schemas/recommendation.ts'
import { decodeServed, encodeServed, type ServedList } from '../../schemas/served-list.ts'

/** Ids and names that look like the marks the reader goes by. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('"items":[', ',{"itemId":', '}]}', '\\', '"', '\\",{"itemId":"x"}]}', '{"itemId":'),
)
const item: fc.Arbitrary<RecommendedItem> = fc.record({
  itemId: text,
  score: fc.double({ noNaN: true, noDefaultInfinity: true }),
  sources: fc.array(text, { maxLength: 3 }),
  reason: fc.record({ code: fc.constantFrom(...reasonCodes), itemId: fc.option(text), scope: fc.option(text) }),
  propensity: fc.double({ min: 0, max: 1, noNaN: true }),
  explored: fc.boolean(),
})
const head = {
  listId: text,
  userId: text,
  surface: text,
  generatedMs: fc.nat(),
  watermarkMs: fc.nat(),
  loggedMs: fc.nat(),
  policy: text,
  policyVersion: text,
  seed: text,
  rung: fc.constant('ranker' as const),
  modelVersion: text,
  personalShare: fc.double({ min: 0, max: 1, noNaN: true }),
  exploration: fc.option(
    fc.record({
      slot: fc.nat(),
      policy: text,
      arms: fc.array(text, { maxLength: 3 }),
      chances: fc.array(fc.double({ noNaN: true, min: 0, max: 1 }), { maxLength: 3 }),
      draws: fc.nat(),
    }),
  ),
  rules: fc.array(fc.record({ ruleId: text, kind: text, itemId: text }), { maxLength: 3 }),
}
const { policy, ...others } = head
const items = fc.array(item, { maxLength: 12 })
const version = { epoch: 3, position: 4 }

describe('readServedList', () => {
  it.each([
    ['items last', fc.record({ ...head, items })],
    ['items first', fc.record({ items, ...head })],
    ['a field after the items', fc.record({ ...others, items, policy })],
  ])('%s: the same as reading the whole text, with any page size', (_name, lists) => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 14 }), (list, pageSize) => {
        const written = encodeServed(version, list as unknown as ServedList)
        const read = readServedList(written, pageSize)!
        expect({ ...read, items: [...read.items] }).toEqual(decodeServed<ServedList>(written))
        // Twice: a second walk begins at the first item again.
        expect([...read.items]).toEqual(JSON.parse(JSON.stringify(list.items)))
      }),
    )
  })

  it('nothing stays nothing, and what is no JSON is an error', () => {
    expect(readServedList(null, 10)).toBeNull()
    for (const broken of ['', '{', '{"items":[', '{"listId":x,"items":[{}]}'])
      expect(() => readServedList(broken, 10)).toThrow(SyntaxError)
    const list = readServedList('{"rules":[],"items":[{"itemId":"a"},{"itemId":b}]}', 1)!
    expect(() => [...list.items]).toThrow(SyntaxError)
  })

  it('reads no further than the walk goes', () => {
    const list = readServedList('{"rules":[],"items":[{"itemId":"a"},{"itemId":"b"},{"itemId":broken}]}', 2)!
    const [first, second] = list.items
    expect([first, second]).toEqual([{ itemId: 'a' }, { itemId: 'b' }])
  })
})
