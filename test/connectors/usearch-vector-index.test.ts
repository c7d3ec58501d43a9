import { expect, it } from 'vitest'
import { UsearchVectorIndex } from '../../connectors/usearch/vector-index.ts'

const width = 8
/** The direction of one axis. */
const axis = (at: number): Float32Array => Float32Array.from({ length: width }, (_, other) => (other === at ? 1 : 0))

function found(index: UsearchVectorIndex, query: Float32Array, count: number): number[] {
  const rows = new Int32Array(count).fill(-7)
  const size = index.search(query, rows)
  expect([...rows.subarray(size)], 'the rest is left as it was').toEqual(new Array(count - size).fill(-7))
  return [...rows.subarray(0, size)]
}

it('answers nothing when empty, and no more rows than there are', () => {
  const index = new UsearchVectorIndex(width)
  expect([index.size, found(index, axis(0), 5)]).toEqual([0, []])
  index.set(4_000_000, axis(0))
  index.set(7, axis(1))
  expect(index.size).toBe(2)
  expect(found(index, axis(1), 5)).toEqual([7, 4_000_000])
  expect(found(index, axis(1), 1)).toEqual([7])
  expect(found(index, axis(1), 0)).toEqual([])
})

it('a row set again has its new vector only; one removed is gone, and may come back', () => {
  const index = new UsearchVectorIndex(width)
  for (let row = 0; row < 4; row++) index.set(row, axis(row))
  index.set(0, axis(5))
  expect(index.size).toBe(4)
  expect(found(index, axis(5), 1)).toEqual([0])
  index.remove(2)
  index.remove(2)
  index.remove(99)
  expect([index.size, found(index, axis(2), 9).sort()]).toEqual([3, [0, 1, 3]])
  index.set(2, axis(2))
  expect(found(index, axis(2), 1)).toEqual([2])
})

it('a thousand replacements of few rows neither grow it nor cost it a row', () => {
  const index = new UsearchVectorIndex(width)
  for (let n = 0; n < 1_000; n++) index.set(n % width, axis((n * 3) % width))
  expect(index.size).toBe(width)
  expect(found(index, axis(0), 50).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})
