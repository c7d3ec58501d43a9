import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embeddingWidth } from '../../algorithms/catalogue.ts'
import { rankerFeatureNames, rankerWidth } from '../../algorithms/ranker-features.ts'
import { type TowerItem, towerWidth, writeTowerItem } from '../../algorithms/tower-features.ts'
import { createLocalInference, type LocalInference } from '../../gpu-workers/local-inference.ts'

/** Rows of a tensor. */
type Rows = readonly (readonly number[])[]

interface Golden {
  readonly tolerance: number
  readonly inputs: { readonly features: Rows }
  readonly outputs: Readonly<Record<string, Rows>>
  /** What the item tower's inputs were made from. */
  readonly items?: readonly TowerItem[]
}

interface Served extends Golden {
  readonly model: string
  readonly version: string
  /** Names of the ranker's inputs as it learned them. */
  readonly columns: readonly string[] | undefined
}

const repository = join(import.meta.dirname, '..', '..', 'models', 'repository')

/** The newest version of every published model: what is served. */
const served: readonly Served[] = (existsSync(repository) ? readdirSync(repository) : []).flatMap((model) => {
  const versions = readdirSync(join(repository, model)).filter((entry) => /^[1-9]\d*$/.test(entry))
  if (versions.length === 0) return []
  const version = String(Math.max(...versions.map(Number)))
  const read = (file: string): unknown => JSON.parse(readFileSync(join(repository, model, version, file), 'utf8'))
  const { columns } = read('run.json') as { columns?: readonly string[] }
  return [{ ...(read('golden.json') as Golden), model, version, columns }]
})

describe.skipIf(served.length === 0)('published models', () => {
  let inference: LocalInference
  beforeAll(async () => {
    inference = await createLocalInference({ repository })
  })
  afterAll(() => inference.close())

  it.for(served)('$model answers its golden batch as PyTorch did, in batches of any size', async (golden) => {
    const given = golden.inputs.features
    const width = given[0]!.length
    for (const rows of [1, 2, given.length, 8192]) {
      const features = Float32Array.from(
        { length: rows * width },
        (_, i) => given[Math.floor(i / width) % given.length]![i % width]!,
      )
      const answer = await inference.infer({
        model: golden.model,
        version: '',
        inputs: [{ name: 'features', datatype: 'FP32', shape: [rows, width], data: features }],
        outputs: Object.keys(golden.outputs),
        deadlineMs: 10_000,
      })
      expect(answer.version).toBe(golden.version)
      for (const tensor of answer.outputs) {
        const expected = golden.outputs[tensor.name]!
        const columns = expected[0]!.length
        expect(tensor.shape).toEqual([rows, columns])
        let largest = 0
        ;(tensor.data as Float32Array).forEach((value, i) => {
          const wanted = expected[Math.floor(i / columns) % expected.length]![i % columns]!
          largest = Math.max(largest, Math.abs(value - wanted)) // NaN stays.
        })
        expect(largest).toBeLessThanOrEqual(golden.tolerance)
      }
    }
  })

  it.for(served)(
    '$model scores a row alike whoever stands beside it, and is below 5 MB',
    async ({ model, version, inputs, outputs }) => {
      expect(statSync(join(repository, model, version, 'model.onnx')).size).toBeLessThan(5_000_000)
      const [row, ...others] = inputs.features
      const answers = await Promise.all(
        [others.slice(0, 6), others.slice(6, 9)].map(async (neighbours) => {
          const features = Float32Array.from([...neighbours, row!].flat())
          const shape = [neighbours.length + 1, row!.length]
          const tensors = [{ name: 'features', datatype: 'FP32', shape, data: features }] as const
          const answer = await inference.infer({
            model,
            version: '',
            inputs: tensors,
            outputs: Object.keys(outputs),
            deadlineMs: 10_000,
          })
          return answer.outputs.flatMap(({ data, shape }) => [...(data as Float32Array).slice(-shape[1]!)])
        }),
      )
      answers[0]!.forEach((value, i) => {
        expect(Math.abs(value - answers[1]![i]!)).toBeLessThan(1e-6)
      })
    },
  )

  it('models are as wide as what is fed to them', () => {
    const widths = { ranker: rankerWidth, two_tower_user: towerWidth, two_tower_item: towerWidth }
    for (const { model, inputs } of served)
      if (model in widths) expect([model, inputs.features[0]!.length]).toEqual([model, widths[model as keyof typeof widths]])
    const [embedding] = served.filter(({ model }) => model === 'two_tower_item').map(({ outputs }) => outputs['embedding']!)
    if (embedding) expect(embedding[0]!.length).toBe(embeddingWidth)
  })

  it('inputs are made when serving as they were when learning', () => {
    for (const { columns, items, inputs } of served) {
      if (columns) expect(columns).toEqual([...rankerFeatureNames])
      items?.forEach((item, row) => {
        const features = new Float32Array(towerWidth)
        writeTowerItem(features, 0, item)
        expect(features).toEqual(Float32Array.from(inputs.features[row]!))
      })
    }
  })

  it('both towers are of one version: vectors of two would not fit together', () => {
    const towers = served.filter(({ model }) => model.startsWith('two_tower'))
    expect(new Set(towers.map(({ version }) => version)).size).toBeLessThanOrEqual(1)
    expect([0, 2]).toContain(towers.length)
  })
})
