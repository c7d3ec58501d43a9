import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { itemTerms, termRowsWidth, writeTermRows } from '../../algorithms/item-terms.ts'
import { readModelParameter } from '../../connectors/files/model-parameter.ts'
import { ManualClock } from '../../core/clock.ts'
import { createLocalInference, type LocalInference } from '../../gpu-workers/local-inference.ts'
import { ItemTexts } from '../../operators/tables/item-texts.ts'
import { silentLogger } from '../../ports/logger.ts'
import { ServedTextModel } from '../../runtime/served-text-model.ts'
import { publish, textModel } from '../gpu-workers/onnx-fixture.ts'
import { shopItem } from '../topologies/catalogue.ts'

const config = `name: "words"
backend: "onnxruntime"
max_batch_size: 512
input [{ name: "term_rows" data_type: TYPE_INT64 dims: [${termRowsWidth}] }]
output [{ name: "embedding" data_type: TYPE_FP32 dims: [-1] }]
`
const titles = ['green tent', 'green tents', 'steel pan', 'pans of steel', '']
const items = new Map(
  titles.map((title, row) => [row, shopItem(`i${row}`, { title, description: '', category: [], brand: null })]),
)

let repository: string
let inference: LocalInference
const clock = new ManualClock(0)
const wordsOf: Record<number, number[][]> = {}

/** A version whose terms each have a vector of their own, all of one sign. */
async function publishVersion(version: number, buckets: number, width: number): Promise<void> {
  const table = Array.from({ length: buckets + 1 }, (_, row) =>
    Array.from({ length: width }, (_, column) => (row === 0 ? 0 : ((row * (column + 3) * 7919) % 101) / 101)),
  )
  wordsOf[version] = table
  await publish(repository, 'words', version, textModel(table, termRowsWidth), config)
  await writeFile(join(repository, 'words', String(version), 'run.json'), JSON.stringify({ parameters: { buckets } }))
}

function openModel(model = 'words'): ServedTextModel {
  const bucketsOf = (version: string) => readModelParameter(repository, model, version, 'buckets')
  return new ServedTextModel(inference, { model, bucketsOf, deadlineMs: 5_000, retryMs: 1_000 }, clock, silentLogger)
}

/** The cosine of two items as the version defines it. */
function cosine(version: number, one: number, other: number): number {
  const table = wordsOf[version]!
  const vectorOf = (row: number) => {
    const rows = new BigInt64Array(termRowsWidth)
    writeTermRows(rows, 0, itemTerms(items.get(row)!), table.length - 1)
    return table[0]!.map((_, column) => [...rows].reduce((sum, term) => sum + table[Number(term)]![column]!, 0))
  }
  const [a, b] = [vectorOf(one), vectorOf(other)]
  return a.reduce((sum, number, at) => sum + number * b[at]!, 0) / Math.hypot(...a) / Math.hypot(...b)
}

function expectNeighbours(texts: ItemTexts, version: number): void {
  const { indices, scores } = texts.neighbours.nearest(0, 10, () => true)
  expect([...indices].sort()).toEqual([1, 2, 3]) // What has no words is like nothing.
  indices.forEach((other, at) => void expect(scores[at]).toBeCloseTo(cosine(version, 0, other), 5))
  expect([...scores]).toEqual([...scores].sort((a, b) => b - a))
}

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'millrace-texts-'))
  await publishVersion(1, 97, 8)
  inference = await createLocalInference({ repository })
})
afterAll(async () => {
  await inference.close()
  await rm(repository, { recursive: true, force: true })
})

it('reads items by the buckets of the version that answers, and all of them anew after a swap', async () => {
  const model = openModel()
  const texts = new ItemTexts(items)
  for (const row of items.keys()) texts.changed(row)
  await texts.read(model)
  expect(texts.neighbours.size).toBe(5)
  expectNeighbours(texts, 1)
  await publishVersion(2, 61, 12)
  await inference.load('words')
  texts.changed(2)
  await texts.read(model)
  expect(texts.neighbours.size).toBe(1)
  await texts.read(model)
  expectNeighbours(texts, 2)
})

it('items go without a model that is not there or whose run.json is gone, and are read once it is back', async () => {
  const texts = new ItemTexts(items)
  texts.changed(0)
  await texts.read(openModel('nobody'))
  expect(texts.neighbours.has(0)).toBe(false)
  const model = openModel()
  const run = join(repository, 'words', '2', 'run.json')
  await writeFile(run, '{}')
  await texts.read(model)
  await writeFile(run, JSON.stringify({ parameters: { buckets: 61 } }))
  await texts.read(model)
  expect(texts.neighbours.has(0)).toBe(false)
  clock.advance(1_000)
  await texts.read(model)
  expect(texts.neighbours.has(0)).toBe(true)
})
