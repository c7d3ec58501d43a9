import { expect, it } from 'vitest'
import { ImplicitAls } from '../../algorithms/implicit-als.ts'
import { type SparseRows, sparseRowsOf } from '../../algorithms/sparse-rows.ts'
import { createRandom } from '../../core/random.ts'
import { expectRelative } from './close.ts'
import { gaussJordanInverse } from './gauss-jordan.ts'

const userCount = 30
const itemCount = 20
const factors = 4
const settings = { factors, regularisation: 0.5, alpha: 3, seed: 'als' }

/** Random cells with strengths 1 … 3. */
function randomRows(): SparseRows {
  const random = createRandom('cells')
  const lists = Array.from({ length: userCount }, () =>
    Array.from({ length: itemCount }, (_, item) => item).filter(() => random.next() < 0.3),
  )
  const rows = sparseRowsOf(lists, itemCount)
  rows.values.forEach((_, n) => {
    rows.values[n] = 1 + random.below(3)
  })
  return rows
}

function strengthOf(rows: SparseRows, user: number, item: number): number {
  for (let at = rows.starts[user]!; at < rows.starts[user + 1]!; at++) if (rows.columns[at] === item) return rows.values[at]!
  return 0
}

/** Σ over every cell, as the paper writes it. */
function slowLoss(rows: SparseRows, als: ImplicitAls): number {
  let loss = 0
  for (const vectors of [als.userVectors, als.itemVectors]) for (const x of vectors) loss += settings.regularisation * x * x
  for (let user = 0; user < userCount; user++)
    for (let item = 0; item < itemCount; item++) {
      const strength = strengthOf(rows, user, item)
      let guess = 0
      for (let f = 0; f < factors; f++) guess += als.userVectors[user * factors + f]! * als.itemVectors[item * factors + f]!
      loss += (1 + settings.alpha * strength) * ((strength > 0 ? 1 : 0) - guess) ** 2
    }
  return loss
}

/** (Σ c y yᵀ + λI)⁻¹ Σ c p y over every item: the normal equations of one user. */
function slowSolution(rows: SparseRows, als: ImplicitAls, user: number): number[] {
  const system = new Float64Array(factors * factors)
  const right = new Float64Array(factors)
  for (let item = 0; item < itemCount; item++) {
    const strength = strengthOf(rows, user, item)
    const confidence = 1 + settings.alpha * strength
    const y = als.itemVectors.subarray(item * factors, (item + 1) * factors)
    for (let a = 0; a < factors; a++) {
      if (strength > 0) right[a]! += confidence * y[a]!
      for (let b = 0; b < factors; b++) system[a * factors + b]! += confidence * y[a]! * y[b]!
    }
  }
  for (let f = 0; f < factors; f++) system[f * factors + f]! += settings.regularisation
  const inverse = gaussJordanInverse(system, factors)
  return Array.from({ length: factors }, (_, a) => right.reduce((sum, value, b) => sum + inverse[a * factors + b]! * value, 0))
}

it('the loss is the sum over every cell and falls with every round', () => {
  const rows = randomRows()
  const als = new ImplicitAls(rows, settings)
  let before = Number.POSITIVE_INFINITY
  for (let round = 0; round < 12; round++) {
    als.round()
    const loss = als.loss()
    expectRelative(loss, slowLoss(rows, als), 1e-12)
    expect(loss).toBeLessThan(before)
    before = loss
  }
})

it('a folded-in user is the solution of the normal equations, whatever was trained', () => {
  const rows = randomRows()
  const als = new ImplicitAls(rows, settings)
  for (let round = 0; round < 3; round++) {
    als.round()
    for (const user of [0, 7, 29]) {
      const [from, to] = [rows.starts[user]!, rows.starts[user + 1]!]
      const vector = als.foldIn(rows.columns.subarray(from, to), rows.values.subarray(from, to))
      slowSolution(rows, als, user).forEach((expected, f) => {
        expect(Math.abs(vector[f]! - expected)).toBeLessThan(1e-10)
      })
    }
  }
})

it('one factor, one user, one item by hand: y = 1, α 1, λ 1 → x = 2 / (2 + 1), then y = 2x / (2x² + 1)', () => {
  const als = new ImplicitAls(sparseRowsOf([[0]], 1), { factors: 1, regularisation: 1, alpha: 1 })
  als.itemVectors[0] = 1
  als.round()
  expectRelative(als.userVectors[0]!, 2 / 3, 1e-14)
  expectRelative(als.itemVectors[0]!, 4 / 3 / (8 / 9 + 1), 1e-14)
})

it('the same seed gives the same vectors, another seed others', () => {
  const vectors = ['a', 'a', 'b'].map((seed) => {
    const als = new ImplicitAls(randomRows(), { ...settings, seed })
    als.round()
    return [...als.itemVectors]
  })
  expect(vectors[0]).toEqual(vectors[1])
  expect(vectors[0]).not.toEqual(vectors[2])
})
