import { expect, it } from 'vitest'
import { normalizeRows } from '../../algorithms/cosine.ts'
import { VectorRows } from '../../algorithms/vector-rows.ts'
import { UsearchVectorIndex } from '../../connectors/usearch/vector-index.ts'
import { createRandom } from '../../core/random.ts'
import { VectorSearch } from '../../operators/tables/vector-search.ts'
import type { VectorIndex } from '../../ports/vector-index.ts'

const width = 32
const countMax = 100

/** Vectors spread evenly over the sphere, the hardest for a graph; row 3 of 7 is withdrawn. */
function shop(seed: string, rows: number, options: { readonly exactMax: number; readonly openIndex?: () => VectorIndex | null }) {
  const random = createRandom(seed)
  const unit = (): Float32Array => {
    const vector = Float32Array.from({ length: width }, () => random.next() + random.next() + random.next() - 1.5)
    normalizeRows(vector, width)
    return vector
  }
  const vectors = new VectorRows(width)
  const withdrawn = new Set<number>()
  const openIndex = options.openIndex ?? (() => new UsearchVectorIndex(width))
  const search = new VectorSearch(vectors, (row) => !withdrawn.has(row), { exactMax: options.exactMax, openIndex })
  const set = (row: number, vector: Float32Array): void => {
    vectors.set(row, vector)
    search.changed(row)
  }
  for (let row = 0; row < rows; row++) {
    if (row % 7 === 3) withdrawn.add(row)
    set(row, unit())
  }
  /** The rows that a search answers, with their products. */
  const find = (query: Float32Array, keep: (row: number) => boolean = () => true, count = countMax) => {
    const found = new Int32Array(count).fill(-1)
    const products = new Float32Array(count)
    const size = search.nearest(query, keep, found, products)
    return [...found.subarray(0, size)].map((row, at) => ({ row, product: products[at]! }))
  }
  /** By the definition, over plain arrays. */
  const exact = (query: Float32Array, keep: (row: number) => boolean = () => true, count = countMax) =>
    Array.from({ length: vectors.size }, (_, row) => ({ row, product: dot(query, vectors.vector(row)) }))
      .filter(({ row }) => !withdrawn.has(row) && keep(row))
      .sort((a, b) => b.product - a.product)
      .slice(0, count)
  return { search, vectors, withdrawn, unit, set, find, exact }
}

/** The real index with something wrong, or watched. */
function changedIndex(change: {
  readonly set?: (index: VectorIndex, row: number, vector: Float32Array) => void
  readonly search?: (index: VectorIndex, query: Float32Array, rows: Int32Array) => number
}): VectorIndex {
  const index = new UsearchVectorIndex(width)
  return {
    get size() {
      return index.size
    },
    set: (row, vector) => (change.set ? change.set(index, row, vector) : index.set(row, vector)),
    remove: (row) => index.remove(row),
    search: (query, rows) => (change.search ? change.search(index, query, rows) : index.search(query, rows)),
  }
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, at) => sum + value * b[at]!, 0)
const rowsOf = (found: readonly { readonly row: number }[]): number[] => found.map(({ row }) => row)

it('up to the stated number of rows every search is exact, and no index is opened', () => {
  const openIndex = () => {
    throw new Error('there is no need for an index')
  }
  const { search, unit, find, exact } = shop('few', 1_000, { exactMax: 1_000, openIndex })
  for (let n = 0; n < 5; n++) {
    const query = unit()
    expect(rowsOf(find(query))).toEqual(rowsOf(exact(query)))
  }
  expect([search.approximate, search.recall]).toEqual([false, null])
})

it('beyond, the index finds at least 95 in 100 of what exact search finds, and its recall is known', () => {
  const { search, unit, find, exact } = shop('many', 12_000, { exactMax: 8_000 })
  // The index has nothing yet: everything is compared until few rows wait.
  const early = unit()
  expect(search.approximate).toBe(false)
  expect(rowsOf(find(early))).toEqual(rowsOf(exact(early)))
  while (!search.approximate) search.advance(1_000)
  search.advance(100_000)

  let hits = 0
  const queries = 40
  for (let n = 0; n < queries; n++) {
    const query = unit()
    const found = find(query)
    const best = exact(query)
    expect(found).toHaveLength(countMax)
    expect(new Set(rowsOf(found)).size).toBe(countMax)
    for (const [at, { row, product }] of found.entries()) {
      expect(row % 7, 'a withdrawn row').not.toBe(3)
      if (at > 0) expect(product).toBeLessThanOrEqual(found[at - 1]!.product)
    }
    const wanted = new Set(rowsOf(best))
    hits += found.filter(({ row }) => wanted.has(row)).length
  }
  const recall = hits / (queries * countMax)
  expect(recall).toBeGreaterThanOrEqual(0.95)
  expect(search.recall).toBeGreaterThanOrEqual(0.95)
}, 30_000)

it('follows what is added, replaced and withdrawn at once, before and after the index does', () => {
  const { search, withdrawn, unit, set, find } = shop('changing', 3_000, { exactMax: 1_000 })
  search.advance(100_000)
  expect(search.approximate).toBe(true)
  const query = unit()
  const opposite = query.map((value) => -value)
  const [first, second] = rowsOf(find(query)) as [number, number]
  const check = (): void => {
    expect(find(query)[0]).toMatchObject({ row: 3_000, product: expect.closeTo(1, 5) as number })
    expect(rowsOf(find(query))).not.toContain(first)
    expect(rowsOf(find(query))).not.toContain(second)
    expect(find(opposite)[0]!.row).toBe(first)
  }
  set(3_000, query) // Added,
  set(first, opposite) // replaced,
  withdrawn.add(second) // and withdrawn.
  search.changed(second)
  check()
  search.advance(2)
  check()
  search.advance(10)
  check()
  // Rows that the index has and that wait as well are found once.
  const some = rowsOf(find(query))
  for (const row of some.slice(0, 50)) search.changed(row)
  expect(rowsOf(find(query))).toEqual(some)
  withdrawn.delete(second)
  search.changed(second)
  expect(rowsOf(find(query))).toContain(second)
  search.advance(10)
  expect(rowsOf(find(query))).toContain(second)
}, 30_000)

it('a filter that leaves few has the index asked for more, then everything compared: short, but never too short or padded', () => {
  const asked: number[] = []
  const openIndex = () =>
    changedIndex({
      search: (index, query, rows) => {
        asked.push(rows.length)
        return index.search(query, rows)
      },
    })
  const { search, unit, find, exact } = shop('filtered', 10_000, { exactMax: 1_000, openIndex })
  search.advance(100_000)
  const query = unit()
  for (const [every, widths] of [
    [5, [150, 600]],
    [100, [150, 600, 2_400]],
    [900, [150, 600, 2_400]],
  ] as const) {
    const keep = (row: number): boolean => row % every === 0
    asked.length = 0
    const found = find(query, keep)
    expect(asked).toEqual(widths)
    expect(rowsOf(found).every((row) => keep(row) && row % 7 !== 3)).toBe(true)
    expect(found).toHaveLength(exact(query, keep).length)
  }
  expect(find(query, () => false)).toEqual([])
}, 30_000)

it('an index that misses half shows in the recall', () => {
  const openIndex = () => changedIndex({ set: (index, row, vector) => (row % 2 === 0 ? index.set(row, vector) : undefined) })
  const { search, unit, find } = shop('forgetful', 4_000, { exactMax: 1_000, openIndex })
  search.advance(100_000)
  expect(search.recall).toBe(null)
  for (let n = 0; n < 3_000; n++) find(unit(), undefined, 10)
  expect(search.recall).toBeGreaterThan(0.2)
  expect(search.recall).toBeLessThan(0.8)
}, 30_000)

it('an index that stops early is not believed', () => {
  const openIndex = () => changedIndex({ search: (index, query, rows) => index.search(query, rows.subarray(0, 120)) })
  const { search, unit, find, exact } = shop('early', 2_000, { exactMax: 1_000, openIndex })
  search.advance(100_000)
  const query = unit()
  expect(rowsOf(find(query, (row) => row % 2 === 0))).toEqual(rowsOf(exact(query, (row) => row % 2 === 0)))
})

it('where no index is to be had, every search stays exact', () => {
  const { search, unit, find, exact } = shop('none', 2_000, { exactMax: 1_000, openIndex: () => null })
  search.advance(100_000)
  const query = unit()
  expect(rowsOf(find(query))).toEqual(rowsOf(exact(query)))
  expect(search.approximate).toBe(false)
})
