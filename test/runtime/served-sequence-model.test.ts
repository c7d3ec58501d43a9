import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { recommendationPorts } from '../../cli/recommendation-ports.ts'
import { readModelItems } from '../../connectors/files/model-items.ts'
import { ManualClock } from '../../core/clock.ts'
import { createLocalInference, type LocalInference } from '../../gpu-workers/local-inference.ts'
import { PurchaseTable } from '../../operators/tables/purchase-table.ts'
import { silentLogger } from '../../ports/logger.ts'
import { silentMetrics } from '../../ports/metrics.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { ServedSequenceModel } from '../../runtime/served-sequence-model.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { recommendations } from '../../topologies/recommendations.ts'
import { userFeatures } from '../../topologies/user-features.ts'
import { publish, sequenceModel } from '../gpu-workers/onnx-fixture.ts'
import { shopItem } from '../topologies/catalogue.ts'
import { openMs, shopEvent } from '../topologies/shop-events.ts'

const length = 4
const config = `name: "next"
backend: "onnxruntime"
max_batch_size: 64
input [{ name: "item_sequence" data_type: TYPE_INT64 dims: [${length}] }]
output [{ name: "item_ids" data_type: TYPE_INT64 dims: [3] }, { name: "scores" data_type: TYPE_FP32 dims: [3] }]
`
/** After a come d, c and one that no list of items has; after all else: nothing. */
const following = [
  [0, 0, 0],
  [4, 3, 9],
  [0, 0, 0],
  [0, 0, 0],
  [2, 1, 0],
]
const odds = following.map(() => [5, 4, 3])

let repository: string
let inference: LocalInference
const clock = new ManualClock(openMs + 60_000)

async function publishVersion(version: number, items: readonly string[]): Promise<void> {
  await publish(repository, 'next', version, sequenceModel(following, odds, length), config)
  await writeFile(join(repository, 'next', String(version), 'items.json'), JSON.stringify(items))
}

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'millrace-sequence-'))
  await publishVersion(1, ['a', 'b', 'c', 'd'])
  inference = await createLocalInference({ repository })
})
afterAll(async () => {
  await inference.close()
  await rm(repository, { recursive: true, force: true })
})

function openModel(): ServedSequenceModel {
  const itemsOf = (version: string) => readModelItems(repository, 'next', version)
  const options = { model: 'next', itemsOf, deadlineMs: 5_000, retryMs: 1_000 }
  return new ServedSequenceModel(inference, options, clock, silentLogger, silentMetrics)
}

const noRanker: Scorer = { ready: () => false, score: () => Promise.reject(new Error('nobody is asked')) }

/** The list of a person who clicks on `a`, in a shop where nothing else is known of anybody. */
async function listAfterClick(model: ServedSequenceModel) {
  const users = new TopologyDriver(userFeatures, { features: { latenessMs: 600_000 } }, { clock })
  const itemPorts = { itemFeatures: { everyMs: 1 }, purchases: new PurchaseTable(), serve: { ttlS: 60 } }
  const items = new TopologyDriver(itemFeatures, itemPorts, { clock })
  const ports = recommendationPorts(loadConfig(undefined), noRanker, clock, { sequences: model })
  const lists = new TopologyDriver(recommendations, ports, { clock })
  await items.send('items', ...['a', 'b', 'c', 'd'].map((itemId) => shopItem(itemId, { title: itemId, createdMs: 1 })))
  await lists.send('item-updates', ...items.read('item-updates'))
  await users.send('user-events', shopEvent('one', 'click', openMs, { userId: 'me', itemId: 'a' }))
  await lists.send('feature-updates', ...users.read('feature-updates'))
  const [list] = lists.read('recommendations')
  return list!.items.map(({ itemId, sources }) => [itemId, sources.includes('sequence')])
}

it('asks a served model for all histories at once and reads its rows by the list of items of the version that answers', async () => {
  const model = openModel()
  const next = await model.next([['b', 'unknown', 'a'], [], ['a', 'a', 'a', 'a', 'a', 'd', 'unknown']])
  expect(next!.map(({ itemIds, scores }) => [itemIds, [...scores]])).toEqual([
    [
      ['d', 'c'],
      [5, 4],
    ],
    [[], []],
    [
      ['b', 'a'],
      [5, 4],
    ],
  ])
})

it('brings what the model expects into the list, best first, and follows a swap to a version with other rows', async () => {
  const model = openModel()
  expect((await listAfterClick(model)).slice(0, 2)).toEqual([
    ['d', true],
    ['c', true],
  ])
  await publishVersion(2, ['a', 'x', 'b', 'd'])
  await inference.load('next')
  // Row 3 was c and is b now.
  expect((await listAfterClick(model)).filter(([, brought]) => brought).map(([itemId]) => itemId)).toEqual(['d', 'b'])
})

it('lists go without a model that is away or whose list of items is gone, and come back to it', async () => {
  const model = openModel()
  await rm(join(repository, 'next', '2', 'items.json'))
  expect((await listAfterClick(model)).filter(([, brought]) => brought)).toEqual([])
  await writeFile(join(repository, 'next', '2', 'items.json'), JSON.stringify(['a', 'x', 'b', 'd']))
  expect(await model.next([['a']])).toBe(null)
  clock.advance(1_000)
  expect((await model.next([['a']]))![0]!.itemIds).toEqual(['d', 'b'])
  await inference.unload('next')
  expect(await model.next([['a']])).toBe(null)
})
