import { describe, expect, it } from 'vitest'
import { createRandom } from '../../core/random.ts'
import { emptyRankedList } from '../../evaluation/recommender.ts'
import { complements } from '../../evaluation/recommenders/complements.ts'
import type { Item } from '../../schemas/item.ts'

const itemCount = 12
const random = createRandom('baskets')
/** Items 0–5 come in pairs (0 with 1 …), the others by chance. */
const baskets = Array.from({ length: 60 }, () => {
  const first = 2 * random.below(3)
  return [...new Set([first, first + 1, random.below(itemCount), random.below(itemCount)])]
})

function learned(facts: readonly (Item | null)[], quietMinutes = 30) {
  const settings = { ...complements.defaults, quietMinutes }
  const world = {
    ...{ itemCount, userCount: 1, sessionCount: baskets.length + 1, judgedTypes: [], questionsArePut: true, facts, random },
    itemIds: Array.from({ length: itemCount }, (_, n) => String(n)),
  }
  const recommender = complements.create(world, settings)
  baskets.forEach((basket, session) => {
    for (const item of basket)
      recommender.learn({ user: 0, session, item, timeMs: session * 3_600_000, type: 4, strength: 1, rating: 0 })
  })
  return (shown: readonly number[], excluded: Uint8Array | null = null) => {
    const out = emptyRankedList(itemCount)
    const query = { user: 0, session: baskets.length, nowMs: 1e12, userItems: Int32Array.from(shown), excluded, excludedCount: 0 }
    recommender.recommend({ ...query, sessionItems: query.userItems }, itemCount, out)
    return [...out.items.subarray(0, out.count)].map((item, n) => [item, out.scores[n]!] as const)
  }
}

/** Σ ln lift by plain counting; the newest basket is still open. */
function slowScores(shown: readonly number[], groupOf: (item: number) => number): Map<number, number> {
  const counted = baskets.slice(0, -1)
  const holding = (...items: number[]) => counted.filter((basket) => items.every((item) => basket.includes(item))).length
  const sums = new Map<number, number>()
  for (const item of shown)
    for (let other = 0; other < itemCount; other++) {
      if (other === item || groupOf(item) === groupOf(other) || holding(item, other) < 5) continue
      const lift = (holding(item, other) + 5) / ((holding(item) * holding(other)) / counted.length + 5)
      if (lift > 1) sums.set(other, (sums.get(other) ?? 0) + Math.log(lift))
    }
  return sums
}

describe('complements of a basket', () => {
  const none = Array.from({ length: itemCount }, () => null)

  it('are ranked by the lifts of all that is in it', () => {
    const found = learned(none)([0, 2])
    const wanted = slowScores([0, 2], (item) => item)
    expect(new Map(found.map(([item]) => [item, 0]))).toEqual(new Map([...wanted.keys()].sort().map((item) => [item, 0])))
    for (const [item, score] of found) expect(score).toBeCloseTo(wanted.get(item)!, 12)
    expect(found.map(([item]) => item)).toEqual([...wanted.keys()].sort((a, b) => wanted.get(b)! - wanted.get(a)! || a - b))
    expect(
      found
        .slice(0, 2)
        .map(([item]) => item)
        .sort(),
    ).toEqual([1, 3])
  })

  it('are never of the leaf category of the item, which are substitutes, and never left-out ones', () => {
    const facts = none.map((_, item) => ({ category: ['shop', item < 2 ? 'same' : `other ${item}`] }) as never as Item)
    const ask = learned(facts)
    expect(ask([0]).map(([item]) => item)).not.toContain(1)
    expect(ask([2]).map(([item]) => item)).toContain(3)
    expect(
      ask(
        [2],
        Uint8Array.from(none, (_, item) => (item === 3 ? 1 : 0)),
      ).map(([item]) => item),
    ).not.toContain(3)
  })

  it('a basket counts once it has been quiet for long enough', () => {
    expect(learned(none, 1e9)([0])).toEqual([])
  })
})
