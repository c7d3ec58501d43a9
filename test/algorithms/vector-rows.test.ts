import { describe, expect, it } from 'vitest'
import { VectorRows } from '../../algorithms/vector-rows.ts'
import { createRandom } from '../../core/random.ts'

const random = createRandom('vectors')
const vector = (width: number) => Float32Array.from({ length: width }, () => random.next() - 0.5)
const plainDot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

describe('VectorRows', () => {
  it.each([4, 8, 32, 100, 1024])('width %i: the products are those of the definition, also past the first growth', (width) => {
    const rows = new VectorRows(width)
    const vectors = new Map<number, Float32Array>()
    for (const row of [0, 1, 7, 500, 1023, 1024, 3000]) {
      vectors.set(row, vector(width))
      rows.set(row, vectors.get(row)!)
    }
    vectors.set(7, vector(width))
    rows.set(7, vectors.get(7)!)
    expect(rows.size).toBe(3001)
    for (let query = 0; query < 3; query++) {
      const asked = vector(width)
      const some = new Float32Array(4)
      rows.productsOf(asked, Int32Array.of(3000, 2, 7, 5000), 4, some)
      expect(some[0]).toBeCloseTo(plainDot(vectors.get(3000)!, asked), 4)
      expect(some[2]).toBeCloseTo(plainDot(vectors.get(7)!, asked), 4)
      expect([some[1], some[3]]).toEqual([0, 0])
      const products = rows.products(asked)
      expect(products).toHaveLength(3001)
      for (let row = 0; row < rows.size; row++) {
        const own = vectors.get(row)
        expect(rows.has(row)).toBe(own !== undefined)
        if (Math.abs(products[row]! - (own ? plainDot(own, asked) : 0)) > 1e-5) expect({ row, product: products[row] }).toBeNull()
      }
    }
  })

  it('is empty at first, and refuses other widths', () => {
    const rows = new VectorRows(8)
    expect(rows.products(new Float32Array(8))).toHaveLength(0)
    expect(rows.has(0)).toBe(false)
    expect(() => rows.set(0, new Float32Array(4))).toThrow('8 numbers, not 4')
    expect(() => rows.products(new Float32Array(16))).toThrow('8 numbers, not 16')
    expect(() => new VectorRows(6)).toThrow('multiple of 4')
  })
})
