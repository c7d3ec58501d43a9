import { expect, it } from 'vitest'
import { embeddingWidth } from '../../algorithms/catalogue.ts'
import { normalizeRows } from '../../algorithms/cosine.ts'
import { UsearchVectorIndex } from '../../connectors/usearch/vector-index.ts'
import { createRandom } from '../../core/random.ts'
import { CatalogueTable } from '../../operators/tables/catalogue-table.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { shopItem } from '../topologies/catalogue.ts'

it('past the stated number of items the index follows what is embedded, withdrawn, brought back and changed', async () => {
  const index = new UsearchVectorIndex(embeddingWidth)
  const table = new CatalogueTable({ exactMax: 1_000, openIndex: () => index })
  const random = createRandom('tower')
  const scorer: Scorer = {
    ready: () => true,
    score: (_model, _features, rows) => {
      const vectors = Float32Array.from({ length: rows * embeddingWidth }, () => random.next() - 0.5)
      normalizeRows(vectors, embeddingWidth)
      return Promise.resolve({ outputs: [vectors], version: '1' })
    },
  }
  const signals = {
    withdrawn: false,
    popularity: 0,
    trend: 0,
    purchaseRate: 0,
    counts: [],
    rating: 3.5,
    hourly: 0,
    people: 0,
    similar: [],
    together: [],
    bought: 0,
    followed: 0,
  }
  const apply = (key: string, fields: object | null, more: object = {}): void => {
    const value = fields && { ...signals, ...more, item: shopItem(key, fields) }
    table.apply([{ key, value: value as never, offset: 0, loggedMs: 0 }])
  }
  /** Each list asks for vectors once, which is when the index is brought up to date. */
  const embed = async (times = 1): Promise<void> => {
    for (let n = 0; n < times; n++) await table.embed(scorer, 'item')
  }
  const nearest = (query: Float32Array): number => {
    const rows = new Int32Array(1)
    return table.nearest.nearest(query, () => true, rows, new Float32Array(1)) === 1 ? rows[0]! : -1
  }
  const vectorOf = (row: number): Float32Array => table.catalogue.vectors.vector(row).slice()

  for (let at = 0; at < 1_200; at++) apply(`i${at}`, {})
  await embed(20)
  expect([table.nearest.approximate, index.size]).toEqual([true, 1_200])
  const row = table.catalogue.rowOf('i700')
  expect(nearest(vectorOf(row))).toBe(row)

  apply('i700', null)
  expect(nearest(vectorOf(row))).not.toBe(row)
  await embed()
  expect(index.size).toBe(1_199)
  apply('i700', {})
  expect(nearest(vectorOf(row))).toBe(row)
  await embed()
  expect(index.size).toBe(1_200)

  const before = vectorOf(row)
  apply('i700', { title: 'something else' })
  apply('new', {})
  await embed()
  expect(index.size).toBe(1_201)
  expect(nearest(before)).not.toBe(row)
  expect(nearest(vectorOf(row))).toBe(row)
  const added = table.catalogue.rowOf('new')
  expect(nearest(vectorOf(added))).toBe(added)
  // Sold out is no reason to leave the index: the stock of an item changes often, and the search asks for it.
  apply('new', { stock: 0 })
  await embed()
  expect(index.size).toBe(1_201)
})
