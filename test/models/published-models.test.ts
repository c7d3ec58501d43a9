import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rankerFeatureNames } from '../../algorithms/ranker-features.ts'
import { type TowerItem, towerWidth, writeTowerItem } from '../../algorithms/tower-features.ts'
import { createLocalInference, type LocalInference } from '../../gpu-workers/local-inference.ts'

interface TensorJson {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

interface Golden {
  readonly model: string
  readonly version: number
  readonly tolerance: number
  readonly inputs: { readonly features: TensorJson }
  readonly outputs: Readonly<Record<string, TensorJson>>
  /** What the inputs were made from, for the item tower. */
  readonly items?: readonly TowerItem[]
  /** Names of the ranker's columns. */
  readonly columns?: readonly string[]
}

const repository = join(import.meta.dirname, '..', '..', 'models', 'repository')

/** The newest version of every published model: what is served. */
const served = (existsSync(repository) ? readdirSync(repository, { withFileTypes: true }) : [])
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => {
    const versions = readdirSync(join(repository, name)).filter((entry) => /^\d+$/.test(entry))
    const newest = Math.max(...versions.map(Number))
    return versions.length === 0
      ? []
      : [JSON.parse(readFileSync(join(repository, name, String(newest), 'golden.json'), 'utf8')) as Golden]
  })

describe.skipIf(served.length === 0)('published models', () => {
  let inference: LocalInference
  beforeAll(async () => {
    inference = await createLocalInference({ repository })
  })
  afterAll(() => inference.close())

  it.for(served)('$model answers its golden batch as PyTorch did, in batches of any size', async (golden) => {
    const { shape, data } = golden.inputs.features
    const [rowsMax, width] = shape as [number, number]
    for (const rows of [1, 2, rowsMax, 4096]) {
      const features = Float32Array.from({ length: rows * width }, (_, i) => data[i % data.length]!)
      const answer = await inference.infer({
        model: golden.model,
        version: '',
        inputs: [{ name: 'features', datatype: 'FP32', shape: [rows, width], data: features }],
        outputs: Object.keys(golden.outputs),
        deadlineMs: 10_000,
      })
      expect(answer.version).toBe(String(golden.version))
      for (const tensor of answer.outputs) {
        const expected = golden.outputs[tensor.name]!
        expect(tensor.shape).toEqual([rows, expected.shape[1]])
        const values = tensor.data as Float32Array
        let largest = 0
        for (let i = 0; i < values.length; i++) {
          const difference = Math.abs(values[i]! - expected.data[i % expected.data.length]!)
          largest = Math.max(largest, difference) // NaN stays.
        }
        expect(largest).toBeLessThanOrEqual(golden.tolerance)
      }
    }
  })

  it('inputs are made when serving as they were made when learning', () => {
    for (const { columns, items, inputs } of served) {
      if (columns) expect(columns).toEqual([...rankerFeatureNames])
      items?.forEach((item, row) => {
        const features = new Float32Array(towerWidth)
        writeTowerItem(features, 0, item)
        const learned = inputs.features.data.slice(row * towerWidth, (row + 1) * towerWidth)
        expect(features).toEqual(Float32Array.from(learned))
      })
    }
  })

  it('both towers are of one version: vectors of two would not fit together', () => {
    const towers = served.filter(({ model }) => model.startsWith('two_tower'))
    expect(new Set(towers.map(({ version }) => version)).size).toBeLessThanOrEqual(1)
    expect([0, 2]).toContain(towers.length)
  })
})
