import { expect, it } from 'vitest'
import { logisticThompsonPolicy } from '../../../algorithms/bandits/logistic-thompson-policy.ts'
import { createRandom } from '../../../core/random.ts'

it("moves to the minimum of Chapelle and Li's loss with each observation, and adds its curvature", () => {
  const random = createRandom('logistic')
  const d = 3
  const policy = logisticThompsonPolicy({ precision: 2 })
  const sums = new Float64Array(policy.width(d))
  let m = new Array<number>(d).fill(0)
  let q = new Array<number>(d).fill(2)
  for (let n = 0; n < 25; n++) {
    const x = Float64Array.from({ length: d }, () => random.next() * 4 - 2)
    const y = random.next() < 0.3 ? 1 : -1
    policy.observe(sums, { features: x, reward: y > 0 ? 1 : 0, weight: 1, seed: '' })
    m = descend(m, q, x, y)
    const p = 1 / (1 + Math.exp(-m.reduce((sum, w, i) => sum + w * x[i]!, 0)))
    q = q.map((one, i) => one + x[i]! * x[i]! * p * (1 - p))
    for (let i = 0; i < d; i++) {
      expect(2 + sums[i]!).toBeCloseTo(q[i]!, 6)
      expect(sums[d + i]! / (2 + sums[i]!)).toBeCloseTo(m[i]!, 6)
    }
  }
})

it('is calibrated: a candidate of even odds against one that is far better', () => {
  const policy = logisticThompsonPolicy()
  const sums = new Map([['good', new Float64Array(policy.width(1))]])
  for (let n = 0; n < 200; n++)
    policy.observe(sums.get('good')!, { features: Float64Array.of(1), reward: n % 10 === 0 ? 0 : 1, weight: 1, seed: '' })
  const choices = { arms: ['good', 'new'], features: Float64Array.of(1, 1), width: 1, decisions: 200 }
  const [good] = policy.chances(choices, sums, createRandom('s')).values
  // ln(.9/.1) = 2.2 against N(0, 1): about Φ(2.1).
  expect(good).toBeGreaterThan(0.97)
  expect(good).toBeLessThan(0.99)
})

it('a corrected reward moves the mean by x(r − before) / q and leaves the precision; taken back, it is as it was', () => {
  const policy = logisticThompsonPolicy({ precision: 2 })
  const sums = new Float64Array(policy.width(2))
  const seen = { features: Float64Array.of(1, -0.5), reward: 0, weight: 1, seed: '' }
  policy.observe(sums, seen)
  policy.observe(sums, { ...seen, features: Float64Array.of(0.3, 2), reward: 1 })
  const before = [...sums]
  policy.correct!(sums, { ...seen, reward: 0.6 }, 0)
  // exp(Δ·xᵀw) times a normal of precision q is one of the same precision, its mean Δ·x/q further.
  const mean = (all: ArrayLike<number>, i: number) => all[2 + i]! / (2 + all[i]!)
  for (const [i, x] of [1, -0.5].entries()) {
    expect(sums[i]).toBe(before[i])
    expect(mean(sums, i) - mean(before, i)).toBeCloseTo((0.6 * x) / (2 + before[i]!), 12)
  }
  policy.correct!(sums, seen, 0.6)
  for (const [i, value] of before.entries()) expect(sums[i]).toBeCloseTo(value, 12)
})

/** Minimises ½Σq(w − m)² + ln(1 + e^(−y·w·x)) by gradient descent: slow and without thought. */
function descend(m: readonly number[], q: readonly number[], x: Float64Array, y: number): number[] {
  const w = [...m]
  for (let step = 0; step < 20_000; step++) {
    const margin = y * w.reduce((sum, value, i) => sum + value * x[i]!, 0)
    for (let i = 0; i < w.length; i++) w[i]! -= 0.02 * (q[i]! * (w[i]! - m[i]!) - (y * x[i]!) / (1 + Math.exp(margin)))
  }
  return w
}
