import { describe, expect, it } from 'vitest'
import { slotChances } from '../../../algorithms/bandits/slot-chances.ts'
import { createRandom } from '../../../core/random.ts'

/** Plackett–Luce: drawn in proportion to weights among those that are left. */
function inProportion(weights: readonly number[], slots: number) {
  let asked = 0
  const slates = {
    candidates: weights.length,
    slots,
    chancesAmong: (left: readonly number[]) => {
      asked++
      const sum = left.reduce((total, candidate) => total + weights[candidate]!, 0)
      return Float64Array.from(left, (candidate) => weights[candidate]! / sum)
    },
  }
  return { slates, asked: () => asked }
}

describe('slotChances', () => {
  it('are those of all ordered slates, each set asked about once', () => {
    const weights = [5, 3, 1, 1]
    const { slates, asked } = inProportion(weights, 3)
    const { values, draws } = slotChances(slates, 11, createRandom(1))
    expect([draws, asked()]).toEqual([0, 1 + 4 + 6])
    const expected = new Float64Array(12)
    for (const a of [0, 1, 2, 3])
      for (const b of [0, 1, 2, 3])
        for (const c of [0, 1, 2, 3]) {
          if (a === b || b === c || a === c) continue
          const chance =
            (weights[a]! / 10) * (weights[b]! / (10 - weights[a]!)) * (weights[c]! / (10 - weights[a]! - weights[b]!))
          for (const [slot, one] of [a, b, c].entries()) expected[slot * 4 + one]! += chance
        }
    values.forEach((value, at) => {
      expect(value).toBeCloseTo(expected[at]!, 12)
    })
  })

  it('are counted where there are more sets than draws, as near as so many draws can be', () => {
    const { slates } = inProportion([5, 3, 1, 1], 3)
    const exact = slotChances(slates, 11, createRandom(1)).values
    const few = slotChances(slates, 10, createRandom(1))
    expect(few.draws).toBe(10)
    const draws = 3_000
    const wide = inProportion([5, 3, 1, 1, ...Array.from({ length: 80 }, () => 0)], 3)
    const counted = slotChances(wide.slates, draws, createRandom(2))
    expect([counted.draws, wide.asked()]).toEqual([draws, 11])
    for (let slot = 0; slot < 3; slot++)
      for (let one = 0; one < 4; one++) {
        const chance = exact[slot * 4 + one]!
        // Four and a half standard deviations.
        const far = 4.5 * Math.sqrt((chance * (1 - chance)) / draws)
        expect(Math.abs(counted.values[slot * 84 + one]! - chance)).toBeLessThan(far)
      }
  })
})
