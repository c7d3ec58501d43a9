import { expect, it } from 'vitest'
import { CandidateSet } from '../../algorithms/candidate-set.ts'
import { rankerFeatureNames, rankerWidth, writeRankerFeatures } from '../../algorithms/ranker-features.ts'
import { draftLists } from '../../operators/draft-lists.ts'
import { CatalogueTable } from '../../operators/tables/catalogue-table.ts'
import { dryBatch, runOperator } from '../../runtime/dry-run.ts'
import type { FeatureUpdate } from '../../schemas/feature-update.ts'

const noScorer = { ready: () => false, score: () => Promise.reject(new Error('nobody is asked')) }
const task = { topology: 'recommendations', partition: 2, partitions: 4, epoch: 1 }

it('draftLists: a taste for what the catalogue does not know is no taste for items that have no category or brand', async () => {
  const table = new CatalogueTable()
  const row = table.catalogue.rowOf('bare')
  const features = {
    recent: [],
    categories: [{ name: 'sold out long ago', weight: 0.9 }],
    brands: [{ name: 'gone', weight: 0.8 }],
    counts: [],
    week: { purchases: 0 },
    session: { items: [], cart: [], events: 0, mainCategory: null },
    purchased: [],
    profile: { preferredCategories: ['never sold'], ageGroup: 'unknown', region: null },
  }
  const value = { userId: 'u', eventTimeMs: 5, loggedMs: 7, features } as unknown as FeatureUpdate
  const options = { countMax: 10, userModel: 'user', itemModel: 'item' }
  const sourced = { key: 'u', value, offset: 11, loggedMs: 7 }
  const { records } = await runOperator(draftLists(table, noScorer, options), dryBatch([sourced], task, 'feature-updates', 11))
  expect(records[0]!.listId).toBe('2-11')
  const set = new CandidateSet(1)
  set.add(0, row, 1, -1)
  const out = new Float32Array(rankerWidth)
  writeRankerFeatures(out, 0, set, table.catalogue, records[0]!.ranker)
  const columns = ['affinity_leaf', 'affinity_top', 'affinity_brand', 'category_declared'] as const
  expect(columns.map((name) => out[rankerFeatureNames.indexOf(name)])).toEqual([0, 0, 0, 0])
})
