import { describe, expect, it } from 'vitest'
import { FtrlProximal } from '../../algorithms/ftrl-proximal.ts'
import { createRandom } from '../../core/random.ts'

const random = createRandom('ftrl')
const gradients = Array.from({ length: 60 }, () => Float64Array.from({ length: 3 }, () => random.next() * 2 - 1 + 0.2))

/**
 * The definition and nothing else: the weight that minimises what was promised, found by ternary search over one coordinate (the sum
 * is convex), with every earlier weight and gradient kept.
 */
function slowWeight(slopes: readonly number[], { alpha, beta, l1, l2 }: Record<'alpha' | 'beta' | 'l1' | 'l2', number>): number {
  const past: number[] = []
  let weight = 0
  for (let t = 0; t < slopes.length; t++) {
    past.push(weight)
    const rate = (n: number) => (n === 0 ? 0 : (beta + Math.sqrt(slopes.slice(0, n).reduce((sum, g) => sum + g * g, 0))) / alpha)
    const value = (w: number) => {
      let sum = l1 * Math.abs(w) + (l2 / 2) * w * w
      for (let s = 0; s <= t; s++) sum += slopes[s]! * w + ((rate(s + 1) - rate(s)) / 2) * (w - past[s]!) ** 2
      return sum
    }
    let [low, high] = [-10, 10]
    for (let n = 0; n < 90; n++) {
      const [a, b] = [low + (high - low) / 3, high - (high - low) / 3]
      if (value(a) < value(b)) high = b
      else low = a
    }
    weight = (low + high) / 2
  }
  return weight
}

describe('FTRL-Proximal', () => {
  it.each([
    { alpha: 0.5, beta: 1, l1: 0, l2: 0 },
    { alpha: 0.5, beta: 0.1, l1: 2, l2: 0 },
    { alpha: 0.1, beta: 1, l1: 0.5, l2: 3 },
  ])('is the minimum that defines it: %o', (options) => {
    const model = new FtrlProximal(3, options)
    gradients.forEach((gradient, t) => {
      model.step(gradient)
      if (t % 20 !== 19) return
      for (let at = 0; at < 3; at++) {
        const slopes = gradients.slice(0, t + 1).map((one) => one[at]!)
        expect(model.weights[at]).toBeCloseTo(slowWeight(slopes, options), 5)
      }
    })
  })

  it('without regularisation it is gradient descent with steps α / (β + √Σg²)', () => {
    const model = new FtrlProximal(3, { alpha: 0.3, beta: 0.7 })
    const weights = new Float64Array(3)
    const squares = new Float64Array(3)
    for (const gradient of gradients) {
      model.step(gradient)
      for (let at = 0; at < 3; at++) {
        squares[at]! += gradient[at]! ** 2
        weights[at]! -= (gradient[at]! * 0.3) / (0.7 + Math.sqrt(squares[at]!))
      }
    }
    for (let at = 0; at < 3; at++) expect(model.weights[at]).toBeCloseTo(weights[at]!, 12)
  })

  it('a weight for which little speaks is exactly 0', () => {
    const model = new FtrlProximal(2, { l1: 1 })
    for (let n = 0; n < 20; n++) model.step(Float64Array.of(n % 2 === 0 ? 0.5 : -0.5, -0.5))
    expect(model.weights[0]).toBe(0)
    expect(model.weights[1]!).toBeGreaterThan(0)
  })

  it('refuses settings that mean nothing', () => {
    expect(() => new FtrlProximal(0)).toThrow(/size/)
    expect(() => new FtrlProximal(1, { alpha: 0 })).toThrow(/alpha/)
  })
})
