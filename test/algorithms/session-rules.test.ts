import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AssociationRules } from '../../algorithms/association-rules.ts'
import { RuleCounts } from '../../algorithms/rule-counts.ts'
import { SequentialRules } from '../../algorithms/sequential-rules.ts'
import { describeWithData } from './describe-with-data.ts'

const itemsMax = 9
const sessions = fc.array(fc.array(fc.integer({ min: 0, max: itemsMax - 1 }), { maxLength: 12 }), { maxLength: 12 })

/** The sessions' events one by one, in turns, as a stream would bring them. */
function stream(all: readonly (readonly number[])[], learner: { add(before: Int32Array, item: number): void }): void {
  const longest = Math.max(0, ...all.map(({ length }) => length))
  for (let n = 0; n < longest; n++)
    for (const session of all) if (n < session.length) learner.add(Int32Array.from(session.slice(0, n)), session[n]!)
}

/** The whole table of rules at once, from whole sessions: a weight for every ordered pair of items. */
function tableOf(
  all: readonly (readonly number[])[],
  weightOf: (session: readonly number[], a: number, b: number) => number,
  items = itemsMax,
) {
  const table = Array.from({ length: items }, () => new Float64Array(items))
  for (const session of all) {
    for (let a = 0; a < session.length; a++)
      for (let b = 0; b < session.length; b++) table[session[a]!]![session[b]!]! += weightOf(session, a, b)
  }
  return table
}

/** Heaviest first, ties by lower item, no more than 20: sorted as a whole. */
function rankedOf(row: Float64Array): [number, number][] {
  return [...row]
    .map((weight, item): [number, number] => [item, weight])
    .filter(([, weight]) => weight > 0)
    .sort(([a, x], [b, y]) => y - x || a - b)
    .slice(0, 20)
}

function expectRules(rules: RuleCounts, table: readonly Float64Array[]): void {
  const items = new Int32Array(20)
  const scores = new Float64Array(20)
  for (let antecedent = 0; antecedent < table.length; antecedent++) {
    const expected = rankedOf(table[antecedent]!)
    const count = rules.top(antecedent, null, items, scores)
    expect(count).toBe(expected.length)
    for (let n = 0; n < count; n++) {
      expect(scores[n]).toBeCloseTo(expected[n]![1], 9)
      expect(table[antecedent]![items[n]!]).toBeCloseTo(scores[n]!, 9)
      expect(rules.weight(antecedent, items[n]!)).toBe(scores[n])
    }
  }
}

describe('AR and SR against a second implementation from the formulas', () => {
  it('AR: every pair of events with different items counts 1 both ways', () => {
    fc.assert(
      fc.property(sessions, (all) => {
        const ours = new AssociationRules({ itemsMax })
        stream(all, ours)
        expectRules(
          ours.rules,
          tableOf(all, (session, a, b) => (a !== b && session[a] !== session[b] ? 1 : 0)),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('SR: the rule from the item s steps back weighs 1/s², up to the farthest step', () => {
    fc.assert(
      fc.property(sessions, fc.integer({ min: 1, max: 12 }), (all, stepsMax) => {
        const ours = new SequentialRules({ itemsMax, stepsMax })
        stream(all, ours)
        expectRules(
          ours.rules,
          tableOf(all, (_, a, b) => (b > a && b - a <= stepsMax ? 1 / (b - a) ** 2 : 0)),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('SR by hand: [1, 2, 3] and [1, 3]', () => {
    const ours = new SequentialRules({ itemsMax })
    stream(
      [
        [1, 2, 3],
        [1, 3],
      ],
      ours,
    )
    expect(ours.rules.weight(1, 3)).toBe(1 + 1 / 4)
    expect(ours.rules.weight(1, 2)).toBe(1)
    expect(ours.rules.weight(2, 3)).toBe(1)
    expect(ours.rules.weight(3, 1)).toBe(0)
  })

  it('rule counts at their bound: the lightest gives way, and memory stays', () => {
    const rules = new RuleCounts(100, 3)
    rules.add(0, 10, 5)
    rules.add(0, 11, 2)
    rules.add(0, 12, 2)
    rules.add(0, 13, 1) // in the place of 12: as light as 11, larger id
    expect([10, 11, 12, 13].map((item) => rules.weight(0, item))).toEqual([5, 2, 0, 1])
    for (let item = 20; item < 90; item++) rules.add(0, item, 1)
    const items = new Int32Array(10)
    expect(rules.top(0, null, items, new Float64Array(10))).toBe(3)
    expect(items[0]).toBe(10)
  })

  it('leaves excluded items out without losing the ones behind them', () => {
    const rules = new RuleCounts(10)
    for (let item = 1; item < 8; item++) rules.add(0, item, 10 - item)
    const excluded = Uint8Array.of(0, 1, 0, 1, 0, 0, 0, 0, 0, 0)
    const items = new Int32Array(3)
    expect(rules.top(0, excluded, items, new Float64Array(3))).toBe(3)
    expect([...items]).toEqual([2, 4, 5])
  })
})

describeWithData('rsc15-100k', 'AR and SR on the first 4,000 clicks of YooChoose', (rows) => {
  const numbers = new Map<string, number>()
  const clicks = rows('yoochoose-clicks-100k_train_tr.tsv.gz')
    .slice(0, 4000)
    .map(([session, item]) => {
      if (!numbers.has(item!)) numbers.set(item!, numbers.size)
      return { session: session!, item: numbers.get(item!)! }
    })
  const all = [...Map.groupBy(clicks, ({ session }) => session).values()].map((session) => session.map(({ item }) => item))

  it('give every rule the weight of the second implementation', () => {
    const ar = new AssociationRules({ itemsMax: numbers.size, backMax: 1000 })
    const sr = new SequentialRules({ itemsMax: numbers.size })
    stream(all, ar)
    stream(all, sr)
    expectRules(
      ar.rules,
      tableOf(all, (session, a, b) => (a !== b && session[a] !== session[b] ? 1 : 0), numbers.size),
    )
    expectRules(
      sr.rules,
      tableOf(all, (_, a, b) => (b > a && b - a <= 20 ? 1 / (b - a) ** 2 : 0), numbers.size),
    )
  })
})
