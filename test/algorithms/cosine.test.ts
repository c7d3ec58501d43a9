import { describe, expect, it } from 'vitest'
import { cosine, dot, normalizeRows } from '../../algorithms/cosine.ts'
import { createRandom } from '../../core/random.ts'

const width = 7
const rows = 50
const random = createRandom('dense')
const matrix = Float32Array.from({ length: rows * width }, () => random.next() - 0.5)

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
