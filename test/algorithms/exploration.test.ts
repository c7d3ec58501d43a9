import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  drawArm,
  epsilonGreedy,
  softmax,
  squareCb,
  squareCbGamma,
  voteShares,
  withMinimumProbability,
} from '../../algorithms/exploration.ts'
import { merand48 } from '../../algorithms/merand48.ts'

function expectAll(actual: Float64Array, expected: readonly number[], digits: number): void {
  expect(actual.length).toBe(expected.length)
  expected.forEach((value, n) => {
    expect(actual[n]).toBeCloseTo(value, digits)
  })
}

describe('golden distributions (recsys-notes.md section 3)', () => {
  it('ε-greedy(.4, best 2, 4 arms)', () => {
    expectAll(epsilonGreedy(4, 2, 0.4), [0.1, 0.1, 0.7, 0.1], 12)
  })

  it('softmax(.2, [1, 2, 3, 8])', () => {
    softmax(Float64Array.of(1, 2, 3, 8), 0.2).forEach((chance, arm) => {
      expect(Math.abs(chance - [0.128, 0.157, 0.192, 0.522][arm]!)).toBeLessThan(0.001)
    })
    expectAll(softmax(Float64Array.of(1e6, 0), 5), [1, 0], 12)
  })

  it('bag([0, 0, 1, 1])', () => {
    expectAll(voteShares([2, 2, 3, 3], 4), [0, 0, 0.5, 0.5], 12)
  })

  it('SquareCB with costs [.2, .1, .5, .1] after 100 decisions: the first of equals is the best', () => {
    expect(squareCbGamma(100)).toBe(100)
    expectAll(squareCb(Float64Array.of(-0.2, -0.1, -0.5, -0.1), squareCbGamma(100)), [0.0714286, 0.6558442, 0.0227273, 0.25], 7)
    expectAll(squareCb(Float64Array.of(3, 1), squareCbGamma(0)), [0.5, 0.5], 12)
  })

  it('minimum probability', () => {
    expectAll(withMinimumProbability(Float64Array.of(1, 0, 0), 0.3), [0.8, 0.1, 0.1], 12)
    expectAll(withMinimumProbability(Float64Array.of(0.9, 0.1, 0), 0.6, true), [0.7, 0.3, 0], 12)
    expectAll(withMinimumProbability(Float64Array.of(1, 0), 1), [0.5, 0.5], 12)
  })

  it('merand48(7791) and the arm it draws', () => {
    expect(merand48(7791n)).toBeCloseTo(0.6517931, 7)
    expect(
      drawArm(
        Float64Array.of(1, 2, 3, 4, 5).map((v) => v / 15),
        merand48(7791n),
      ),
    ).toBe(3)
  })
})

describe('withMinimumProbability', () => {
  it('is the nearest distribution above the floor: sums to 1, keeps the order, shifts all raised arms alike', () => {
    const scores = fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 2, maxLength: 8 })
    fc.assert(
      fc.property(scores, fc.double({ min: 0, max: 0.99, noNaN: true }), (raw, epsilon) => {
        const sum = raw.reduce((a, b) => a + b, 0)
        const before = Float64Array.from(raw, (v) => v / sum)
        const after = withMinimumProbability(before, epsilon)
        const floor = epsilon / raw.length
        expect(after.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
        const shifts: number[] = []
        after.forEach((chance, arm) => {
          expect(chance).toBeGreaterThanOrEqual(floor)
          if (chance > floor) shifts.push(before[arm]! - chance)
        })
        // Kuhn–Tucker: one shift τ ≥ 0 for all above the floor, and those at the floor would fall below it.
        for (const shift of shifts) expect(shift).toBeCloseTo(shifts[0]!, 12)
        if (shifts.length > 0) expect(shifts[0]).toBeGreaterThanOrEqual(-1e-12)
        after.forEach((chance, arm) => {
          if (chance === floor && shifts.length > 0) expect(before[arm]! - shifts[0]!).toBeLessThanOrEqual(floor + 1e-12)
        })
      }),
    )
  })
})

describe('drawArm', () => {
  it('never draws an arm of chance 0, also at the very end', () => {
    expect(drawArm(Float64Array.of(0, 0.5, 0, 0.5, 0), 0)).toBe(1)
    expect(drawArm(Float64Array.of(0, 0.5, 0, 0.5, 0), 0.5)).toBe(3)
    expect(drawArm(Float64Array.of(0.1, 0.2, 0.7 - 1e-9, 0), 1 - 1e-12)).toBe(2)
  })
})
