import { describe, expect, it } from 'vitest'
import { linUcbHybridPolicy, linUcbHybridScores } from '../../../algorithms/bandits/lin-ucb-hybrid-policy.ts'
import { linUcbPolicy, linUcbScores } from '../../../algorithms/bandits/lin-ucb-policy.ts'
import { LinearArm } from '../../../algorithms/bandits/linear-sums.ts'
import { createRandom } from '../../../core/random.ts'
import { gaussJordanInverse } from '../gauss-jordan.ts'

/** The published example of mabwiser's tests (test_linucb.py): contexts, arms, rewards, λ = α = 1. */
const contexts = [
  [0, 1, 2, 3, 5],
  [1, 1, 1, 1, 1],
  [0, 0, 1, 0, 0],
  [0, 2, 2, 3, 5],
  [1, 3, 1, 1, 1],
  [0, 0, 0, 0, 0],
  [0, 1, 4, 3, 5],
  [0, 1, 2, 4, 5],
  [1, 2, 1, 1, 3],
  [0, 2, 1, 0, 0],
]
const shown = [1, 1, 1, 2, 2, 3, 3, 3, 3, 3]
const rewards = [0, 0, 1, 0, 0, 0, 0, 1, 1, 1]

describe('linUcbPolicy', () => {
  const policy = linUcbPolicy()
  const sums = new Map<string, Float64Array>()
  contexts.forEach((context, n) => {
    const arm = String(shown[n])
    if (!sums.has(arm)) sums.set(arm, new Float64Array(policy.width(5)))
    policy.observe(sums.get(arm)!, { features: Float64Array.from(context), reward: rewards[n]!, weight: 1, seed: '' })
  })

  it.each([
    [
      [0, 1, 2, 3, 5],
      [0.9790312459, 1.1617706239, 1.424705623],
    ],
    [
      [1, 1, 1, 1, 1],
      [0.8896475809, 0.9233640431, 1.4570855773],
    ],
  ])('has the published bounds at %j', (context, bounds) => {
    const choices = {
      arms: ['1', '2', '3'],
      features: Float64Array.from([...context, ...context, ...context]),
      width: 5,
      decisions: 10,
    }
    linUcbScores(choices, sums, { alpha: 1, lambda: 1 }).forEach((bound, arm) => {
      expect(bound).toBeCloseTo(bounds[arm]!, 9)
    })
    expect([...policy.chances(choices, sums, createRandom('s')).values]).toEqual([0, 0, 1])
  })

  it('agrees with the rank-one updates of Sherman and Morrison', () => {
    const random = createRandom('sherman')
    const d = 5
    const inverse = Array.from({ length: d }, (_, i) => Array.from({ length: d }, (_, j) => Number(i === j)))
    const own = new Float64Array(policy.width(d))
    for (let n = 0; n < 200; n++) {
      const x = Float64Array.from({ length: d }, () => random.next() - 0.5)
      policy.observe(own, { features: x, reward: 0, weight: 1, seed: '' })
      const u = inverse.map((row) => row.reduce((sum, value, j) => sum + value * x[j]!, 0))
      const scale = 1 + u.reduce((sum, value, i) => sum + value * x[i]!, 0)
      for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) inverse[i]![j]! -= (u[i]! * u[j]!) / scale
    }
    const x = Float64Array.of(1, -1, 0.5, 0.2, 2)
    const spread = inverse.reduce((sum, row, i) => sum + x[i]! * row.reduce((inner, value, j) => inner + value * x[j]!, 0), 0)
    expect(new LinearArm(own, d, 1).spread(x)).toBeCloseTo(spread, 13)
  })
})

describe('linUcbHybridPolicy', () => {
  it("scores as the paper's algorithm 2 does step by step, with its running A₀ and b₀", () => {
    const random = createRandom('hybrid')
    const k = 2
    const d = 3
    const policy = linUcbHybridPolicy({ shared: k })
    const sums = new Map<string, Float64Array>()
    const slow = new Paper(k, d)
    const row = () => Float64Array.from({ length: k + d }, () => random.next() * 2 - 1)
    for (let n = 0; n < 120; n++) {
      const arm = 'abc'[random.below(3)]!
      const features = row()
      const reward = random.next()
      if (!sums.has(arm)) sums.set(arm, new Float64Array(policy.width(k + d)))
      policy.observe(sums.get(arm)!, { features, reward, weight: 1, seed: '' })
      slow.observe(arm, features, reward)
    }
    const rows = [row(), row(), row()]
    const choices = {
      arms: ['a', 'b', 'new'],
      features: Float64Array.from(rows.flatMap((one) => [...one])),
      width: k + d,
      decisions: 120,
    }
    const scores = linUcbHybridScores(choices, sums, { shared: k, alpha: 1.5 })
    rows.forEach((features, at) => {
      expect(scores[at]).toBeCloseTo(slow.score(choices.arms[at]!, features, 1.5), 10)
    })
  })
})

type Matrix = number[][]

/** Algorithm 2 of Li et al. (2010), line by line, with plain inverses. */
class Paper {
  readonly #k: number
  readonly #d: number
  #a0: Matrix
  #b0: Matrix
  readonly #arms = new Map<string, { a: Matrix; b: Matrix; c: Matrix }>()

  constructor(k: number, d: number) {
    this.#k = k
    this.#d = d
    this.#a0 = identity(k)
    this.#b0 = zeros(k, 1)
  }

  observe(name: string, features: Float64Array, reward: number): void {
    const arm = this.#arm(name)
    const { z, x } = this.#split(features)
    const before = product(transposed(arm.b), inverse(arm.a))
    this.#a0 = plus(this.#a0, product(before, arm.b))
    this.#b0 = plus(this.#b0, product(before, arm.c))
    arm.a = plus(arm.a, product(x, transposed(x)))
    arm.b = plus(arm.b, product(x, transposed(z)))
    arm.c = plus(arm.c, times(x, reward))
    const after = product(transposed(arm.b), inverse(arm.a))
    this.#a0 = plus(this.#a0, plus(product(z, transposed(z)), times(product(after, arm.b), -1)))
    this.#b0 = plus(this.#b0, plus(times(z, reward), times(product(after, arm.c), -1)))
  }

  score(name: string, features: Float64Array, alpha: number): number {
    const { a, b, c } = this.#arm(name)
    const { z, x } = this.#split(features)
    const beta = product(inverse(this.#a0), this.#b0)
    const theta = product(inverse(a), plus(c, times(product(b, beta), -1)))
    const common = inverse(this.#a0)
    const crossed = product(product(transposed(b), inverse(a)), x)
    const one = (left: Matrix, right: Matrix) => product(transposed(left), right)[0]![0]!
    const spread =
      one(z, product(common, z)) -
      2 * one(z, product(common, crossed)) +
      one(x, product(inverse(a), x)) +
      one(crossed, product(common, crossed))
    return one(z, beta) + one(x, theta) + alpha * Math.sqrt(spread)
  }

  #arm(name: string): { a: Matrix; b: Matrix; c: Matrix } {
    const known = this.#arms.get(name) ?? { a: identity(this.#d), b: zeros(this.#d, this.#k), c: zeros(this.#d, 1) }
    this.#arms.set(name, known)
    return known
  }

  #split(features: Float64Array): { z: Matrix; x: Matrix } {
    const column = (values: Float64Array): Matrix => [...values].map((value) => [value])
    return { z: column(features.subarray(0, this.#k)), x: column(features.subarray(this.#k)) }
  }
}

function identity(size: number): Matrix {
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => Number(i === j)))
}

function zeros(rows: number, columns: number): Matrix {
  return Array.from({ length: rows }, () => new Array<number>(columns).fill(0))
}

function transposed(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, j) => matrix.map((row) => row[j]!))
}

function product(left: Matrix, right: Matrix): Matrix {
  return left.map((row) => right[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * right[k]![j]!, 0)))
}

function plus(left: Matrix, right: Matrix): Matrix {
  return left.map((row, i) => row.map((value, j) => value + right[i]![j]!))
}

function times(matrix: Matrix, factor: number): Matrix {
  return matrix.map((row) => row.map((value) => value * factor))
}

function inverse(matrix: Matrix): Matrix {
  const size = matrix.length
  const flat = gaussJordanInverse(Float64Array.from(matrix.flat()), size)
  return matrix.map((_, i) => [...flat.subarray(i * size, (i + 1) * size)])
}
