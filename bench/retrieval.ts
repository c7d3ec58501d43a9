import { normalizeRows } from '../algorithms/cosine.ts'
import { VectorRows } from '../algorithms/vector-rows.ts'
import { UsearchVectorIndex } from '../connectors/usearch/vector-index.ts'
import { createRandom } from '../core/random.ts'
import { VectorSearch } from '../operators/tables/vector-search.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'

export const description =
  'the 100 nearest of 10,000 to 1,000,000 vectors by the index, against comparing all of them, with the recall'

const width = 32
const wanted = 100

/** What one size is measured with, in turns: the index, and all vectors compared. */
interface Measured {
  readonly indexUs: readonly number[]
  readonly exactUs: readonly number[]
  /** Mean recall@100 of the index. */
  readonly recall: number
}

/**
 * Grows one index through `--sizes` (10000,100000,200000,1000000) and asks it `--queries` (200) times at each: vectors of 32 numbers
 * spread evenly over the sphere, which is harder for a graph than those of any shop, where items of a category lie together.
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const sizes = options.text('sizes', '10000,100000,200000,1000000').split(',').map(Number)
  const queries = options.number('queries', 200)
  if (sizes.some((size, at) => !Number.isInteger(size) || size < wanted || size <= (sizes[at - 1] ?? 0)))
    throw new Error(`--sizes must be whole numbers of at least ${wanted}, ascending`)
  const unit = unitVectors()
  const vectors = new VectorRows(width)
  const search = new VectorSearch(vectors, () => true, { exactMax: 0, openIndex: () => new UsearchVectorIndex(width) })
  const figures: Figure[] = []
  for (const size of sizes) {
    const before = vectors.size
    const fromMs = performance.now()
    for (let row = before; row < size; row++) {
      vectors.set(row, unit())
      search.changed(row)
      search.advance(1)
      if ((row + 1) % 50_000 === 0) options.say(`${row + 1} vectors are in the index`)
    }
    const addUs = ((performance.now() - fromMs) * 1000) / (size - before)
    const measured = figuresOf(size, measure(vectors, search, unit, queries))
    figures.push(...measured, figureOf({ name: `add-${size}`, kind: 'latency', value: addUs, unit: 'us' }))
    options.say(`${size} vectors: ${measured.map(({ name, value, ceiling }) => `${name} ${value} (${ceiling})`).join(', ')}`)
  }
  return figures
}

function measure(vectors: VectorRows, search: VectorSearch, unit: () => Float32Array, queries: number): Measured {
  const exactUs: number[] = []
  const indexUs: number[] = []
  let hits = 0
  const all = () => true
  // The first tenth warms the code up.
  for (let query = -Math.ceil(queries / 10); query < queries; query++) {
    const asked = unit()
    const [near, exact] = [search, vectors].map((by, which) => {
      const rows = new Int32Array(wanted)
      const products = new Float32Array(wanted)
      const fromMs = performance.now()
      const count = by.nearest(asked, all, rows, products)
      if (query >= 0) (which === 0 ? indexUs : exactUs).push((performance.now() - fromMs) * 1000)
      if (count !== wanted) throw new Error(`a search found ${count} of ${wanted} vectors`)
      return rows
    }) as [Int32Array, Int32Array]
    const truth = new Set(exact)
    if (query >= 0) for (const row of near) if (truth.has(row)) hits++
  }
  return { indexUs, exactUs, recall: hits / (queries * wanted) }
}

function figuresOf(size: number, { indexUs, exactUs, recall }: Measured): Figure[] {
  const latency = (q: number) =>
    figureOf({
      name: `index-${size}-p${100 * q}`,
      kind: 'latency',
      value: quantile(indexUs, q),
      unit: 'us',
      ceiling: quantile(exactUs, q),
    })
  return [
    latency(0.5),
    latency(0.99),
    figureOf({ name: `recall-${size}`, kind: 'note', value: recall, unit: 'of 1', ceiling: 1, goal: 'value >= 0.95' }),
  ]
}

function unitVectors(): () => Float32Array {
  const random = createRandom('retrieval')
  return () => {
    // The sum of a few uniform numbers is near enough to a normal one, whose directions are even.
    const vector = Float32Array.from({ length: width }, () => random.next() + random.next() + random.next() - 1.5)
    normalizeRows(vector, width)
    return vector
  }
}
