import { describe, expect, it } from 'vitest'
import { cosine, dot, normalizeRows } from '../../algorithms/cosine.ts'
import { dotTopK } from '../../algorithms/dot-top-k.ts'
import { createRandom } from '../../core/random.ts'

const width = 7
const rows = 50
const random = createRandom('dense')
const matrix = Float32Array.from({ length: rows * width }, () => random.next() - 0.5)
const query = Float32Array.from({ length: width }, () => random.next() - 0.5)

function plainDot(row: number): number {
  let sum = 0
  for (let i = 0; i < width; i++) sum += matrix[row * width + i]! * query[i]!
  return sum
}

describe('dotTopK', () => {
  it('equals a full sort, without the skipped rows and those beyond the end', () => {
    const skip = Uint8Array.from({ length: rows }, (_, row) => (row % 5 === 0 ? 1 : 0))
    const expected = Array.from({ length: 40 }, (_, row) => row)
      .filter((row) => row % 5 !== 0)
      .sort((a, b) => plainDot(b) - plainDot(a) || a - b)
      .slice(0, 10)
    const { indices, scores } = dotTopK(matrix, query, 10, { skip, rows: 40 })
    expect([...indices]).toEqual(expected)
    for (let n = 0; n < 10; n++) expect(scores[n]).toBeCloseTo(plainDot(expected[n]!), 12)
  })

  it('gives ties to the lower row, stays short, and refuses a matrix of another width', () => {
    const equal = new Float32Array(3 * width).fill(1)
    expect([...dotTopK(equal, new Float32Array(width).fill(1), 10).indices]).toEqual([0, 1, 2])
    expect(() => dotTopK(matrix, new Float32Array(6), 3)).toThrow('width')
  })
})

describe('cosine', () => {
  it('is 1 for the same direction, −1 for the opposite, 0 for the zero vector', () => {
    const a = Float32Array.of(1, 2, 3, 4, 5)
    expect(dot(a, a)).toBe(55)
    expect(
      cosine(
        a,
        a.map((v) => 3 * v),
      ),
    ).toBeCloseTo(1, 6)
    expect(
      cosine(
        a,
        a.map((v) => -v),
      ),
    ).toBeCloseTo(-1, 6)
    expect(cosine(a, new Float32Array(5))).toBe(0)
    expect(cosine(Float32Array.of(1, 0), Float32Array.of(1, 1))).toBeCloseTo(Math.SQRT1_2, 6)
  })

  it('is the inner product after normalizeRows', () => {
    const unit = Float32Array.from(matrix)
    unit.fill(0, 0, width)
    normalizeRows(unit, width)
    expect(dot(unit, unit, width, 0, 0)).toBe(0)
    for (const row of [1, 17, 49]) {
      expect(dot(unit, unit, width, row * width, row * width)).toBeCloseTo(1, 6)
      expect(dot(unit, unit, width, row * width, 3 * width)).toBeCloseTo(cosine(matrix, matrix, width, row * width, 3 * width), 6)
    }
  })
})
