import { expect, it } from 'vitest'
import { CandidateSet } from '../../algorithms/candidate-set.ts'
import { embeddingWidth } from '../../algorithms/catalogue.ts'
import { rankerFeatureNames, rankerWidth, writeRankerFeatures } from '../../algorithms/ranker-features.ts'
import { draftLists } from '../../operators/draft-lists.ts'
import { CatalogueTable } from '../../operators/tables/catalogue-table.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { dryBatch, runOperator } from '../../runtime/dry-run.ts'
import type { FeatureUpdate } from '../../schemas/feature-update.ts'
import { shopItem } from '../topologies/catalogue.ts'

const noScorer = { ready: () => false, score: () => Promise.reject(new Error('nobody is asked')) }
const task = { topology: 'recommendations', partition: 2, partitions: 4, epoch: 1 }

const noWindow = { views: 0, clicks: 0, carts: 0, purchases: 0, spend: 0 }
const options = { countMax: 10, userModel: 'user', itemModel: 'item' }

function updateWith(features: object): { key: string; value: FeatureUpdate; offset: number; loggedMs: number } {
  const known = {
    recent: [],
    categories: [],
    brands: [],
    counts: [],
    hours: [],
    week: noWindow,
    day: noWindow,
    hour: noWindow,
    orders: { lastMs: null, purchases30d: 0, spend30d: 0, purchases90d: 0, spend90d: 0 },
    searches: [],
    region: null,
    session: { items: [], cart: [], events: 0, searches: 0, startMs: 0, lastMs: 0, meanPrice: null, mainCategory: null },
    purchased: [],
    profile: null,
  }
  const value = { userId: 'u', eventTimeMs: 5, loggedMs: 7, features: { ...known, ...features } } as unknown as FeatureUpdate
  return { key: 'u', value, offset: 11, loggedMs: 7 }
}

it('draftLists: a taste for what the catalogue does not know is no taste for items that have no category or brand', async () => {
  const table = new CatalogueTable()
  const row = table.catalogue.rowOf('bare')
  const update = updateWith({
    categories: [{ name: 'sold out long ago', weight: 0.9 }],
    brands: [{ name: 'gone', weight: 0.8 }],
    profile: { preferredCategories: ['never sold'], ageGroup: 'unknown', region: null },
  })
  const { records } = await runOperator(draftLists(table, noScorer, options), dryBatch([update], task, 'feature-updates', 11))
  expect(records[0]!.listId).toBe('2-11')
  const set = new CandidateSet(1)
  set.add(0, row, 1, -1)
  const out = new Float32Array(rankerWidth)
  writeRankerFeatures(out, 0, set, table.catalogue, records[0]!.ranker)
  const columns = ['affinity_leaf', 'affinity_top', 'affinity_brand', 'category_declared'] as const
  expect(columns.map((name) => out[rankerFeatureNames.indexOf(name)])).toEqual([0, 0, 0, 0])
})

it('draftLists: vectors of two versions of the towers are never compared; once both are new, all items get new ones', async () => {
  const table = new CatalogueTable()
  const ids = Array.from({ length: 600 }, (_, at) => `i${at}`)
  const update = {
    withdrawn: false,
    popularity: 0,
    trend: 0,
    purchaseRate: 0,
    counts: [],
    rating: 3.5,
    similar: [],
    together: [],
    bought: 0,
    followed: 0,
  }
  table.apply(ids.map((key) => ({ key, value: { ...update, item: shopItem(key) } as never, offset: 0, loggedMs: 0 })))
  /** A vector says which version made it. */
  const versions = { user: ['1'], item: ['1'] }
  let itemRows = 0
  let asked = 0
  const scorer: Scorer = {
    ready: () => true,
    score: (model, _features, rows) => {
      if (model === 'item') itemRows += rows
      const served = versions[model as 'user' | 'item']
      const version = served[asked++ % served.length]!
      return Promise.resolve({ outputs: [new Float32Array(rows * embeddingWidth).fill(Number(version))], version })
    },
  }
  const operator = () => draftLists(table, scorer, options)
  const vectorOf = async () => {
    const { records } = await runOperator(operator(), dryBatch([updateWith({})], task, 'feature-updates', 11))
    return records[0]!.user.vector?.[0] ?? null
  }
  const itemVectors = () => new Set(ids.map((id) => table.catalogue.vectors.products(unit)[table.catalogue.rowOf(id)]))
  const unit = new Float32Array(embeddingWidth)
  unit[0] = 1

  expect(await vectorOf()).toBe(1)
  expect([itemRows, [...itemVectors()]]).toEqual([600, [1]])
  versions.user = ['2']
  for (let batch = 0; batch < 100; batch++) expect(await vectorOf()).toBe(null)
  expect(itemRows).toBe(1200) // Asked once more, and not for each batch.
  versions.item = ['2']
  for (let batch = 0; batch < 256; batch++) await vectorOf()
  expect(await vectorOf()).toBe(2)
  expect([itemRows, [...itemVectors()]]).toEqual([1800, [2]])
  // Workers that disagree, as while each loads the new one: no endless round, and nothing mixed.
  versions.user = ['3']
  versions.item = ['2', '3']
  expect(await vectorOf()).toBe(null)
  expect(await vectorOf()).toBe(null)
  versions.item = ['3']
  await vectorOf()
  expect(await vectorOf()).toBe(3)
  expect([...itemVectors()]).toEqual([3])
})
