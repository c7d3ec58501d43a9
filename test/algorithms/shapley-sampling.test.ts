import { describe, expect, it } from 'vitest'
import { linearContributions, linearRank } from '../../algorithms/linear-ranker.ts'
import { rankerWidth } from '../../algorithms/ranker-features.ts'
import { shapleyContributions, shapleyWalks } from '../../algorithms/shapley-sampling.ts'
import { createRandom } from '../../core/random.ts'

type Model = (row: ArrayLike<number>) => number

/** Products, a threshold and a square: nothing that a sum of parts could say. Feature 4 does nothing. */
const model: Model = (x) => x[0]! * x[1]! + Math.max(0, x[2]! - 0.5) * x[3]! + x[0]! ** 2 + 0 * x[4]!

const x = Float32Array.of(1, 2, 3, 0.5, 7)
const background = Float32Array.of(0, 1, 0, 1, 0, 0.5, 0, 1, 0.25, 3)
const width = x.length

function sampled(f: Model, draws: number, seed = 'test') {
  const walks = shapleyWalks(x, background, draws, createRandom(seed))
  const scores = Float64Array.from(walks.steps, (_, row) => f(walks.rows.subarray(row * width, (row + 1) * width)))
  return shapleyContributions(walks, scores)
}

/** The definition: over every coalition of the other features, weighted by how many orders reach it; mean over the background. */
function exact(f: Model): number[] {
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
  const values = Array.from({ length: width }, () => 0)
  const others = background.length / width
  for (let at = 0; at < others; at++) {
    const mixed = (coalition: number) => f(Array.from(x, (own, i) => (coalition & (1 << i) ? own : background[at * width + i]!)))
    for (let feature = 0; feature < width; feature++) {
      for (let coalition = 0; coalition < 1 << width; coalition++) {
        if (coalition & (1 << feature)) continue
        const size = coalition.toString(2).replaceAll('0', '').length
        const weight = (factorial(size) * factorial(width - size - 1)) / factorial(width)
        values[feature]! += (weight * (mixed(coalition | (1 << feature)) - mixed(coalition))) / others
      }
    }
  }
  return values
}

describe('shapley sampling', () => {
  it('comes as near to the enumeration of all coalitions as its standard error says', () => {
    const truth = exact(model)
    const { contributions, errors } = sampled(model, 20_000)
    for (let feature = 0; feature < width; feature++) {
      expect(Math.abs(contributions[feature]! - truth[feature]!), `feature ${feature}`).toBeLessThanOrEqual(4 * errors[feature]!)
      expect(errors[feature]).toBeLessThan(0.02)
    }
    // The error is one: a tenth of the draws gives about √10 of it.
    const ratio = sampled(model, 2000).errors[0]! / errors[0]!
    expect(ratio).toBeGreaterThan(2.5)
    expect(ratio).toBeLessThan(4)
  })

  it('sums to f(x) − f(background) with any number of draws', () => {
    const mean = (model(background.subarray(0, width)) + model(background.subarray(width))) / 2
    for (const draws of [2, 10, 64]) {
      const { value, base, contributions } = sampled(model, draws)
      expect(value).toBe(model(x))
      expect(base).toBeCloseTo(mean, 12)
      expect(base + contributions.reduce((sum, one) => sum + one, 0)).toBeCloseTo(value, 12)
    }
  })

  it('gives nothing to what does nothing, equal shares to equals, and is the same for the same seed', () => {
    expect(sampled(model, 50).contributions[4]).toBe(0)
    const twins: Model = (row) => row[0]! * row[3]! * 2
    const one = Float32Array.of(1, 1)
    const walks = shapleyWalks(one, new Float32Array(2), 4000, createRandom('twins'))
    const scores = Float64Array.from(walks.steps, (_, row) => walks.rows[row * 2]! * walks.rows[row * 2 + 1]!)
    const { contributions, errors } = shapleyContributions(walks, scores)
    expect(Math.abs(contributions[0]! - 0.5)).toBeLessThan(4 * errors[0]!)
    expect(contributions[0]! + contributions[1]!).toBeCloseTo(1, 12)
    expect(sampled(twins, 30, 'a')).toEqual(sampled(twins, 30, 'a'))
    expect(sampled(twins, 30, 'a')).not.toEqual(sampled(twins, 30, 'b'))
  })

  it('is exact for a linear model, where the linear ranker knows it without drawing', () => {
    const random = createRandom('rows')
    const rows = Float32Array.from({ length: 4 * rankerWidth }, () => random.next())
    const own = rows.subarray(0, rankerWidth)
    const known = linearContributions(own, rows.subarray(rankerWidth))
    const walks = shapleyWalks(own, rows.subarray(rankerWidth), 6, random)
    const { contributions, base, value } = shapleyContributions(walks, linearRank(walks.rows, walks.steps.length))
    for (let column = 0; column < rankerWidth; column++) expect(contributions[column]).toBeCloseTo(known[column]!, 10)
    expect(known.reduce((sum, one) => sum + one, 0)).toBeCloseTo(value - base, 10)
  })
})
