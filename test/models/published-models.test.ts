import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embeddingWidth } from '../../algorithms/catalogue.ts'
import { type ItemText, itemTerms, termRowsWidth, writeTermRows } from '../../algorithms/item-terms.ts'
import { rankerFeatureNames, rankerWidth } from '../../algorithms/ranker-features.ts'
import { type TowerItem, towerWidth, writeTowerItem } from '../../algorithms/tower-features.ts'
import { createLocalInference, type LocalInference } from '../../gpu-workers/local-inference.ts'
import type { Tensor } from '../../ports/inference.ts'

/** Rows of a tensor. */
type Rows = readonly (readonly number[])[]

interface Golden {
  readonly tolerance: number
  /** One input: `features`, float32, or rows of items or terms, int64. */
  readonly inputs: Readonly<Record<string, Rows>>
  readonly outputs: Readonly<Record<string, Rows>>
  /** What the inputs of the item tower and of the text model were made from. */
  readonly items?: readonly (TowerItem & ItemText)[]
}

interface Served extends Golden {
  readonly model: string
  readonly version: string
  /** Names of the ranker's inputs as it learned them. */
  readonly columns: readonly string[] | undefined
  /** Rows that the text model hashes terms to. */
  readonly buckets: number | undefined
}

const repository = join(import.meta.dirname, '..', '..', 'models', 'repository')

/** The newest version of every published model: what is served. */
const served: readonly Served[] = (existsSync(repository) ? readdirSync(repository) : []).flatMap((model) => {
  const versions = readdirSync(join(repository, model)).filter((entry) => /^[1-9]\d*$/.test(entry))
  if (versions.length === 0) return []
  const version = String(Math.max(...versions.map(Number)))
  const read = (file: string): unknown => JSON.parse(readFileSync(join(repository, model, version, file), 'utf8'))
  const { columns, parameters } = read('run.json') as { columns?: readonly string[]; parameters?: { buckets?: number } }
  return [{ ...(read('golden.json') as Golden), model, version, columns, buckets: parameters?.buckets }]
})

/** The rows of a golden batch, how some of them are sent, and how many a batch may hold. */
function inputOf({ inputs }: Pick<Golden, 'inputs'>): {
  readonly rows: Rows
  readonly tensorOf: (rows: Rows) => Tensor
  readonly rowsMax: number
} {
  const [[name, given]] = Object.entries(inputs) as [[string, Rows]]
  const tensorOf = (rows: Rows): Tensor => {
    const shape = [rows.length, given[0]!.length]
    return name === 'features'
      ? { name, datatype: 'FP32', shape, data: Float32Array.from(rows.flat()) }
      : { name, datatype: 'INT64', shape, data: BigInt64Array.from(rows.flat(), BigInt) }
  }
  return { rows: given, tensorOf, rowsMax: name === 'features' || name === 'pairs' ? 8192 : 512 }
}

describe.skipIf(served.length === 0)('published models', () => {
  let inference: LocalInference
  beforeAll(async () => {
    inference = await createLocalInference({ repository })
  })
  afterAll(() => inference.close())

  it.for(served)('$model answers its golden batch as what fitted it did, in batches of any size', async (golden) => {
    const { rows: given, tensorOf, rowsMax } = inputOf(golden)
    for (const rows of [1, 2, given.length, rowsMax]) {
      const answer = await inference.infer({
        model: golden.model,
        version: '',
        inputs: [tensorOf(Array.from({ length: rows }, (_, i) => given[i % given.length]!))],
        outputs: Object.keys(golden.outputs),
        deadlineMs: 10_000,
      })
      expect(answer.version).toBe(golden.version)
      for (const tensor of answer.outputs) {
        const expected = golden.outputs[tensor.name]!
        const columns = expected[0]!.length
        expect(tensor.shape).toEqual([rows, columns])
        let largest = 0
        let other = 0
        ;[...(tensor.data as Float32Array | BigInt64Array)].forEach((value, i) => {
          const wanted = expected[Math.floor(i / columns) % expected.length]![i % columns]!
          if (typeof value === 'bigint') other += Number(value) === wanted ? 0 : 1
          else largest = Math.max(largest, Math.abs(value - wanted)) // NaN stays.
        })
        expect(largest).toBeLessThanOrEqual(golden.tolerance)
        // Retrieved items of nearly equal scores may change places.
        expect(other / (rows * columns)).toBeLessThan(0.01)
      }
    }
  })

  it.for(served)(
    '$model scores a row alike whoever stands beside it, and is below 5 MB',
    async ({ model, version, inputs, outputs }) => {
      const { rows: given, tensorOf } = inputOf({ inputs })
      // Of the sequence models the item table is in the file.
      if (inputs['features']) expect(statSync(join(repository, model, version, 'model.onnx')).size).toBeLessThan(5_000_000)
      const [row, ...others] = given
      const answers = await Promise.all(
        [others.slice(0, 6), others.slice(6, 9)].map(async (neighbours) => {
          const answer = await inference.infer({
            model,
            version: '',
            inputs: [tensorOf([...neighbours, row!])],
            outputs: Object.keys(outputs),
            deadlineMs: 10_000,
          })
          return answer.outputs.flatMap(({ data, shape }) => (data instanceof Float32Array ? [...data.slice(-shape[1]!)] : []))
        }),
      )
      answers[0]!.forEach((value, i) => {
        expect(Math.abs(value - answers[1]![i]!)).toBeLessThan(inputs['features'] ? 1e-6 : 1e-4)
      })
    },
  )

  it('towers are as wide as what is fed to them, rankers no wider', () => {
    for (const { model, inputs } of served) {
      const width = inputs['features']?.[0]?.length
      if (model.startsWith('two_tower')) expect([model, width]).toEqual([model, towerWidth])
      if (model === 'ranker') expect(width).toBeLessThanOrEqual(rankerWidth)
    }
    const [embedding] = served.filter(({ model }) => model === 'two_tower_item').map(({ outputs }) => outputs['embedding']!)
    if (embedding) expect(embedding[0]!.length).toBe(embeddingWidth)
  })

  it('inputs are made when serving as they were when learning', () => {
    for (const { model, columns, items, inputs, buckets } of served) {
      if (columns) expect(columns).toEqual(rankerFeatureNames.slice(0, columns.length))
      if (model === 'text_item') {
        const rows = new BigInt64Array(termRowsWidth)
        items!.forEach((item, at) => {
          writeTermRows(rows, 0, itemTerms(item), buckets!)
          expect([...rows].map(Number)).toEqual(inputs['term_rows']![at])
        })
      }
      if (model !== 'two_tower_item') continue
      items!.forEach((item, row) => {
        const features = new Float32Array(towerWidth)
        writeTowerItem(features, 0, item)
        expect(features).toEqual(Float32Array.from(inputs['features']![row]!))
      })
    }
  })

  it('both towers are of one version: vectors of two would not fit together', () => {
    const towers = served.filter(({ model }) => model.startsWith('two_tower'))
    expect(new Set(towers.map(({ version }) => version)).size).toBeLessThanOrEqual(1)
    expect([0, 2]).toContain(towers.length)
  })
})
