import { expect, it } from 'vitest'
import { easeScores, easeWeights } from '../../algorithms/ease.ts'
import { sparseRowsOf } from '../../algorithms/sparse-rows.ts'
import { createRandom } from '../../core/random.ts'
import { expectRelative } from './close.ts'
import { gaussJordanInverse } from './gauss-jordan.ts'

it('two items by hand: G = [[2, 1], [1, 2]], λ 1 → P ∝ [[3, −1], [−1, 3]] → B off the diagonal 1/3', () => {
  const weights = easeWeights(sparseRowsOf([[0], [1], [0, 1]], 2), { regularisation: 1 })
  expect([weights[0], weights[3]]).toEqual([0, 0])
  expectRelative(weights[1]!, 1 / 3, 1e-14)
  expectRelative(weights[2]!, 1 / 3, 1e-14)
})

it('equals the definition, slowly: P by Gauss-Jordan, B_ij = −P_ij / P_jj, scores X·B', () => {
  const random = createRandom('ease')
  const itemCount = 60
  const lists = Array.from({ length: 90 }, () =>
    Array.from({ length: itemCount }, (_, item) => item).filter((item) => random.next() < 2 / (item + 3)),
  )
  const regularisation = 7
  const gram = new Float64Array(itemCount * itemCount)
  for (const list of lists) for (const a of list) for (const b of list) gram[a * itemCount + b]!++
  for (let i = 0; i < itemCount; i++) gram[i * itemCount + i]! += regularisation
  const inverse = gaussJordanInverse(gram, itemCount)
  const weights = easeWeights(sparseRowsOf(lists, itemCount), { regularisation })
  const scores = new Float64Array(itemCount)
  for (const list of lists) {
    easeScores(weights, list, scores)
    for (let j = 0; j < itemCount; j++) {
      let expected = 0
      for (const i of list) if (i !== j) expected -= inverse[i * itemCount + j]! / inverse[j * itemCount + j]!
      expect(Math.abs(scores[j]! - expected)).toBeLessThan(1e-12)
    }
  }
})

it('a catalogue above the limit is refused with the memory it would need and what to use instead', () => {
  const users = sparseRowsOf([[0, 9000]], 9001)
  expect(() => easeWeights(users, { regularisation: 1 })).toThrow(/9001 items needs 2 GB and is limited to 8000: .*item-knn/)
})

it('sparseRowsOf counts a repeat once and refuses a column that is none', () => {
  expect([...sparseRowsOf([[3, 1, 3]], 4).columns]).toEqual([3, 1])
  expect(() => sparseRowsOf([[0], [4]], 4)).toThrow(/row 1 holds column 4/)
})
