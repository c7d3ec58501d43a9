import { expect, it } from 'vitest'
import { choleskyFactor, choleskyInverse, choleskySolve } from '../../algorithms/cholesky.ts'
import { createRandom } from '../../core/random.ts'
import { expectRelative } from './close.ts'
import { gaussJordanInverse } from './gauss-jordan.ts'

/** XᵀX + I of random X: positive definite. */
function positiveMatrix(size: number): Float64Array {
  const random = createRandom(size)
  const x = Float64Array.from({ length: size * size }, () => random.next() - 0.5)
  const matrix = new Float64Array(size * size)
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) {
      let sum = i === j ? 1 : 0
      for (let k = 0; k < size; k++) sum += x[k * size + i]! * x[k * size + j]!
      matrix[i * size + j] = sum
    }
  return matrix
}

// Sizes on both sides of every block edge.
it.for([1, 2, 3, 5, 47, 48, 49, 50, 97, 145, 301])('choleskyInverse of %i rows equals Gauss-Jordan elimination', (size) => {
  const matrix = positiveMatrix(size)
  const inverse = matrix.slice()
  choleskyInverse(inverse, size)
  const expected = gaussJordanInverse(matrix, size)
  let worst = 0
  for (let n = 0; n < inverse.length; n++) worst = Math.max(worst, Math.abs(inverse[n]! - expected[n]!))
  expect(worst).toBeLessThan(1e-11)
})

it('a 2 × 2 case by hand: [[4, 2], [2, 3]] = L·Lᵀ with L = [[2, 0], [1, √2]]', () => {
  const factor = Float64Array.of(4, 2, 2, 3)
  choleskyFactor(factor, 2)
  expect([factor[0], factor[2]]).toEqual([2, 1])
  expectRelative(factor[3]!, Math.SQRT2, 1e-15)
  const x = Float64Array.of(8, 7)
  choleskySolve(factor, 2, x)
  expectRelative(x[0]!, 1.25, 1e-14)
  expectRelative(x[1]!, 1.5, 1e-14)
})

it('a matrix that is not positive definite is refused with what to do', () => {
  expect(() => choleskyFactor(Float64Array.of(1, 2, 2, 1), 2)).toThrow(/not positive definite at row 1 of 2.*regularisation/)
})
