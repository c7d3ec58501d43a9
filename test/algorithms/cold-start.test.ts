import { describe, expect, it } from 'vitest'
import { blendByEvidence, evidenceWeights } from '../../algorithms/evidence-weights.ts'
import { judgeNewItem, type NewItemOptions } from '../../algorithms/judge-new-item.ts'
import { topK } from '../../algorithms/top-k.ts'
import { createRandom } from '../../core/random.ts'
import { expectRelative } from './close.ts'

/** P(Beta(a, b) > x) for whole a, b: that fewer than a of a + b − 1 tosses succeed; by Pascal's rule. */
function chanceAbove(x: number, a: number, b: number): number {
  let row = [1]
  for (let n = 1; n < a + b; n++) row = Array.from({ length: n + 1 }, (_, k) => (row[k] ?? 0) * (1 - x) + (row[k - 1] ?? 0) * x)
  return row.slice(0, a).reduce((sum, chance) => sum + chance, 0)
}

describe('judgeNewItem', () => {
  const mean = 0.05
  // The default prior is Beta(1, 19).
  const judge = (impressions: number, clicks: number, options: NewItemOptions = {}, ageDays = 1) =>
    judgeNewItem({ impressions, clicks, ageDays }, mean, options)

  it('knows the chance to be better than the mean, by another way', () => {
    for (const [impressions, clicks, factor] of [
      [0, 0, 1],
      [60, 0, 1],
      [400, 13, 1],
      [900, 70, 1.5],
      [300, 2, 0.5],
    ] as const) {
      const { chanceBetter, lower, upper } = judge(impressions, clicks, { betterFactor: factor })
      expectRelative(chanceBetter, chanceAbove(factor * mean, 1 + clicks, 19 + impressions - clicks), 1e-10)
      expectRelative(chanceAbove(lower, 1 + clicks, 19 + impressions - clicks), 0.975, 1e-10)
      expectRelative(chanceAbove(upper, 1 + clicks, 19 + impressions - clicks), 0.025, 1e-10)
    }
  })

  it('gives up what nobody clicks as soon as .95^(19 + n) < .05, and not before the least impressions', () => {
    // Beta(1, b) is above x with chance (1 − x)^b: b ≥ 59 for ε .05, so after 40 impressions; after 90 for ε .004.
    expect(judge(39, 0, { impressionsMin: 1 })).toMatchObject({ verdict: 'explore', reason: 'open', impressionsLeft: 961 })
    expect(judge(40, 0, { impressionsMin: 1 })).toMatchObject({ verdict: 'stop', reason: 'worse', impressionsLeft: 0 })
    expect(judge(49, 0).verdict).toBe('explore')
    expect(judge(50, 0).verdict).toBe('stop')
    expect(judge(88, 0, { chanceMin: 0.004, widthMax: 0 }).verdict).toBe('explore')
    expect(judge(89, 0, { chanceMin: 0.004, widthMax: 0 }).verdict).toBe('stop')
  })

  it('graduates what is known well, and ends at budget and age', () => {
    expect(judge(1_000, 50)).toMatchObject({ verdict: 'graduate', reason: 'narrow' })
    expect(judge(200, 11)).toMatchObject({ verdict: 'explore' })
    expect(judge(200, 11, { widthMax: 2 })).toMatchObject({ verdict: 'graduate' })
    expect(judge(1_000, 50, { widthMax: 0.1 })).toMatchObject({ verdict: 'stop', reason: 'budget', impressionsLeft: 0 })
    expect(judge(200, 11, {}, 14).verdict).toBe('explore')
    expect(judge(200, 11, {}, 14.1)).toMatchObject({ verdict: 'stop', reason: 'age' })
    // Worse is worse, though it is known well.
    expect(judge(2_000, 20)).toMatchObject({ verdict: 'stop', reason: 'worse' })
  })

  it('refuses what cannot be', () => {
    expect(() => judge(3, 4)).toThrow('clicks')
    expect(() => judgeNewItem({ impressions: 1, clicks: 0, ageDays: 0 }, 0)).toThrow('mean')
    expect(() => judge(1, 0, { chanceMin: 0 })).toThrow('chanceMin')
  })

  it('spends little on bad items and rarely gives up good ones', () => {
    const fate = (rate: number) => {
      const random = createRandom(`new items of rate ${rate}`)
      const items = 150
      let spent = 0
      let worse = 0
      for (let n = 0; n < items; n++) {
        let clicks = 0
        for (let impressions = 1; ; impressions++) {
          if (random.next() < rate) clicks++
          if (impressions % 25 !== 0) continue
          const { verdict, reason } = judge(impressions, clicks)
          if (verdict === 'explore') continue
          spent += impressions / items
          if (reason === 'worse') worse += 1 / items
          break
        }
      }
      return { spent, worse }
    }
    // Of items at a fifth of the mean nearly all are given up, after a tenth of their budget; at twice the mean about one in a hundred.
    const [bad, average, good] = [fate(mean / 5), fate(mean), fate(2 * mean)]
    expect(bad.worse).toBeGreaterThan(0.95)
    expect(bad.spent).toBeLessThan(150)
    expect(average.worse).toBeGreaterThan(0.05)
    expect(average.worse).toBeLessThan(0.4)
    expect(good.worse).toBeLessThan(0.05)
  })
})

describe('evidenceWeights', () => {
  it('goes from trend to personal as evidence comes, without a jump', () => {
    const weights = (items: number) => [...evidenceWeights([{ evidence: items, half: 5 }])]
    expect(weights(0)).toEqual([0, 1])
    expect(weights(5)).toEqual([0.5, 0.5])
    expect(weights(45)[0]).toBeCloseTo(0.9, 12)
    expect(weights(Number.POSITIVE_INFINITY)).toEqual([1, 0])
    for (let items = 1; items < 100; items++) {
      expect(weights(items)[0]).toBeGreaterThan(weights(items - 1)[0]!)
      expect(weights(items)[0]! - weights(items - 1)[0]!).toBeLessThan(0.17)
    }
  })

  it('gives a new person who answered the quiz .5, .3 and .2, the weights of F6.4', () => {
    const tiers = [
      { evidence: 0, half: 5 },
      { evidence: 3, half: 3 },
      { evidence: 75, half: 50 },
    ]
    const weights = evidenceWeights(tiers)
    for (const [tier, expected] of [0, 0.5, 0.3, 0.2].entries()) expect(weights[tier]).toBeCloseTo(expected, 12)
    const after = evidenceWeights([{ evidence: 5, half: 5 }, ...tiers.slice(1)])
    for (const [tier, expected] of [0.5, 0.25, 0.15, 0.1].entries()) expect(after[tier]).toBeCloseTo(expected, 12)
  })

  it('refuses evidence below nothing', () => {
    expect(() => evidenceWeights([{ evidence: -1, half: 5 }])).toThrow('evidence')
    expect(() => evidenceWeights([{ evidence: 1, half: 0 }])).toThrow('half')
  })
})

describe('blendByEvidence', () => {
  const trend = Int32Array.of(1, 2, 3)
  const own = Int32Array.of(9, 2)
  const blended = (tiers: Parameters<typeof blendByEvidence>[0], base = trend) => {
    const points = new Float64Array(10)
    const weights = blendByEvidence(tiers, base, points)
    const { indices, scores } = topK(points, 10)
    return { items: [...indices].filter((_item, at) => scores[at]! > 0), points, weights: [...weights] }
  }

  it('is the trend list for whom nothing is known, and the own list for whom much is', () => {
    expect(blended([{ items: own, evidence: 0, half: 5 }]).items).toEqual([1, 2, 3])
    expect(blended([{ items: own, evidence: 1e9, half: 5 }]).items.slice(0, 2)).toEqual([9, 2])
    // Half and half: 2 has points of both, .5 · 49/50 twice.
    const both = blended([{ items: own, evidence: 5, half: 5 }])
    expect(both.items).toEqual([2, 1, 9, 3])
    expect(both.points[2]).toBeCloseTo(0.98, 12)
    expect(both.weights).toEqual([0.5, 0.5])
  })

  it('hands the weight of a tier without items to the next tier, and that of a base without items to all', () => {
    const quiz = { items: Int32Array.of(7), evidence: 3, half: 3 }
    const nobody = { items: new Int32Array(0), evidence: 100, half: 5 }
    expect(blended([nobody, quiz]).points[7]).toBeCloseTo(0.5, 12)
    const alone = blended([{ items: own, evidence: 5, half: 5 }, quiz], new Int32Array(0))
    expect([alone.points[9], alone.points[7]]).toEqual([expect.closeTo(2 / 3, 12), expect.closeTo(1 / 3, 12)])
  })
})
