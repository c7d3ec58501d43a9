import { describe, expect, it } from 'vitest'
import { aliveProbability, expectedPurchases, fitBgNbd, logLikelihoodOf } from '../../algorithms/bg-nbd.ts'
import { expectedSpend, fitGammaGamma } from '../../algorithms/gamma-gamma.ts'
import { nelderMead } from '../../algorithms/nelder-mead.ts'
import { sampleBeta, sampleGamma } from '../../algorithms/sample.ts'
import { createRandom, type Random } from '../../core/random.ts'

/** The fit of the CDNOW customers that the papers print. */
const cdnow = { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 }
const spend = { p: 6.25, q: 3.74, gamma: 15.44 }

describe('BG/NBD', () => {
  it("expects of the paper's customer (2, 30.43, 38.86) 1.226 purchases in 39 weeks", () => {
    const history = { repeats: 2, recency: 30.43, age: 38.86 }
    expect(expectedPurchases(cdnow, history, 39)).toBeCloseTo(1.226, 3)
    expect(aliveProbability(cdnow, { repeats: 0, recency: 0, age: 38.86 })).toBe(1)
  })

  it('agrees with customers that are simulated from where the model says they stand', () => {
    const random = createRandom('future')
    // Rejection: of simulated customers those with this very history (rounded to weeks) tell what such people do next.
    let kept = 0
    let alive = 0
    let purchases = 0
    for (let n = 0; n < 400_000; n++) {
      const customer = simulated(cdnow, 30, 30, random)
      if (customer.repeats !== 2 || Math.abs(customer.recency - 20) > 2.5) continue
      kept++
      alive += customer.left ? 0 : 1
      purchases += customer.later
    }
    const history = { repeats: 2, recency: 20, age: 30 }
    expect(kept).toBeGreaterThan(1_000)
    expect(alive / kept).toBeCloseTo(aliveProbability(cdnow, history), 1)
    expect(Math.abs(purchases / kept / expectedPurchases(cdnow, history, 30) - 1)).toBeLessThan(0.12)
  })

  it('finds the parameters that customers were made with', () => {
    const random = createRandom('fit')
    const customers = Array.from({ length: 4_000 }, () => simulated(cdnow, 20 + random.next() * 20, 0, random))
    const fitted = fitBgNbd(customers)
    expect(fitted.converged).toBe(true)
    expect(fitted.r).toBeCloseTo(cdnow.r, 1)
    expect(fitted.alpha / cdnow.alpha).toBeCloseTo(1, 0)
    const truth = customers.reduce((sum, customer) => sum + logLikelihoodOf(cdnow, customer), 0)
    expect(fitted.logLikelihood).toBeGreaterThan(truth)
    expect(fitted.logLikelihood).toBeLessThan(truth + 8)
  })
})

describe('gamma–gamma', () => {
  it('lies between the population and the customer', () => {
    const population = (spend.p * spend.gamma) / (spend.q - 1)
    expect(population).toBeCloseTo(35.22, 2)
    expect(expectedSpend(spend, { transactions: 0, mean: 0 })).toBeCloseTo(population, 9)
    // (6.25 · (15.44 + 2 · 22.35)) / (6.25 · 2 + 3.74 − 1), a customer of the papers' example.
    expect(expectedSpend(spend, { transactions: 2, mean: 22.35 })).toBeCloseTo(24.66, 2)
    expect(expectedSpend(spend, { transactions: 500, mean: 22.35 })).toBeCloseTo(22.35, 0)
  })

  it('finds the population that customers were drawn from', () => {
    const random = createRandom('spend')
    const customers = Array.from({ length: 3_000 }, () => {
      const scale = sampleGamma(random, spend.q) / spend.gamma
      const transactions = 1 + random.below(6)
      let sum = 0
      for (let n = 0; n < transactions; n++) sum += sampleGamma(random, spend.p) / scale
      return { transactions, mean: sum / transactions }
    })
    const { p, q, gamma, converged } = fitGammaGamma(customers)
    expect(converged).toBe(true)
    expect((p * gamma) / (q - 1) / 35.22).toBeCloseTo(1, 1)
    expect(q).toBeCloseTo(spend.q, 0)
  })
})

it('Nelder–Mead finds the valley of Rosenbrock, and says when it did not come there', () => {
  const rosenbrock = ([x, y]: Float64Array) => (1 - x!) ** 2 + 100 * (y! - x! * x!) ** 2
  const { point, converged } = nelderMead(rosenbrock, Float64Array.of(-1.2, 1))
  expect(converged).toBe(true)
  expect([...point].map((value) => value.toFixed(4))).toEqual(['1.0000', '1.0000'])
  expect(nelderMead(rosenbrock, Float64Array.of(-1.2, 1), { stepsMax: 5 }).converged).toBe(false)
})

/** One customer from the first purchase on: until `age`, and what comes in the `more` after it. */
function simulated({ r, alpha, a, b }: typeof cdnow, age: number, more: number, random: Random) {
  const rate = sampleGamma(random, r) / alpha
  const leaving = sampleBeta(random, a, b)
  let time = 0
  let repeats = 0
  let recency = 0
  let later = 0
  let left = false
  for (;;) {
    time -= Math.log(1 - random.next()) / rate
    if (!(time < age + more)) break
    if (time <= age) {
      repeats++
      recency = time
      left = random.next() < leaving
    } else {
      later++
      if (random.next() < leaving) break
    }
    if (left) break
  }
  return { repeats, recency, age, later, left }
}
