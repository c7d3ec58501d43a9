import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leakOf, type TrainedModel } from '../../evaluation/trained-model.ts'
import { CliFolder } from '../cli/run-cli.ts'
import { onnxModel, publish } from '../gpu-workers/onnx-fixture.ts'

// A model that is a table: after item r it answers row r. Three items of the model are known to the data under other numbers.

const folder = new CliFolder()
afterAll(() => folder.close())
const repository = join(folder.path, 'models')
const data = join(folder.path, 'lines.txt')
const items = ['elsewhere', '30', '10', '20']
/** Per row (0 for none) the rows answered, best first: after 10 comes 20, after 20 comes 30, and what nobody knows stands in front. */
const answers = [
  [1, 1, 1, 1],
  [1, 2, 3, 4],
  [1, 3, 4, 2],
  [1, 4, 2, 3],
  [1, 2, 3, 4],
]

function tableModel(): Uint8Array {
  const table = BigInt64Array.from(answers.flat(), BigInt)
  return onnxModel({
    inputs: [{ name: 'item_sequence', type: 'INT64', shape: ['B', 3] }],
    outputs: [
      { name: 'item_ids', type: 'INT64', shape: ['B', 4] },
      { name: 'scores', type: 'FP32', shape: ['B', 4] },
    ],
    constants: [
      { name: 'newest', type: 'INT64', shape: [], data: BigInt64Array.of(2n) },
      { name: 'table', type: 'INT64', shape: [5, 4], data: table },
      { name: 'falling', type: 'FP32', shape: [5, 4], data: Float32Array.from(answers.flatMap(() => [4, 3, 2, 1])) },
    ],
    nodes: [
      { op: 'Gather', inputs: ['item_sequence', 'newest'], outputs: ['last'], ints: { axis: 1 } },
      { op: 'Gather', inputs: ['table', 'last'], outputs: ['item_ids'], ints: { axis: 0 } },
      { op: 'Gather', inputs: ['falling', 'last'], outputs: ['scores'], ints: { axis: 0 } },
    ],
  })
}

beforeAll(async () => {
  writeFileSync(data, Array.from({ length: 20 }, (_, n) => `u${n} 30 10 20 ${n % 2 === 0 ? '30' : '10'}\n`).join(''))
  const sha256 = createHash('sha256').update(readFileSync(data)).digest('hex')
  const config = 'name: "follows"\nbackend: "onnxruntime"\nmax_batch_size: 8\n'
  await publish(repository, 'follows', 1, tableModel(), config)
  mkdirSync(join(repository, 'als'))
  await publish(repository, 'als', 1, tableModel(), config.replace('follows', 'als'))
  for (const name of ['follows', 'als']) {
    writeFileSync(join(repository, name, '1', 'items.json'), JSON.stringify(items))
    const run = { parameters: { length: 3 }, data: { to_ms: 0, how_split: 'the last is the test', files: [{ sha256 }] } }
    writeFileSync(join(repository, name, '1', 'run.json'), JSON.stringify(run))
  }
})

const asked = (...more: string[]) =>
  ['evaluate', '--data', data, '--format', 's3rec', '--repository', repository, '--exclude', 'current', ...more] as const

describe('trained models by their names in the repository', () => {
  it('are asked in this process, their rows read as ids of the data', { timeout: 60_000 }, async () => {
    const { code, value, stderr } = await folder.json(...asked('--algorithms', 'follows,trained-als,popularity', '--k', '1,2'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { questions, results } = value as {
      questions: number
      results: { algorithm: string; metrics: Record<string, number> }[]
    }
    expect(questions).toBe(20)
    expect(results.map(({ algorithm }) => algorithm)).toEqual(['follows', 'trained-als', 'popularity'])
    // After 20 the table says: elsewhere (not in the data), 30, 10, 20. Half the people went on to 30, half to 10.
    for (const { metrics } of results.slice(0, 2)) expect([metrics['HR@1'], metrics['MRR@2']]).toEqual([0.5, 0.75])
  })

  it('what is not there is answered with what is', { timeout: 60_000 }, async () => {
    const unknown = await folder.run(...asked('--algorithms', 'sasrec'))
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toMatch(/no algorithm "sasrec"; there are popularity, .*learned, trained-als, follows/)
    const version = await folder.run(...asked('--algorithms', 'follows', '--setting', 'follows.version=7'))
    expect({ ...version, stdout: '' }).toMatchObject({ code: 2, stderr: expect.stringMatching(/version 1 is served/) })
    const empty = await folder.run(...asked('--algorithms', 'sr').slice(0, 5), '--repository', folder.path, '--algorithms', 'sr')
    expect(empty).toMatchObject({ code: 2, stderr: expect.stringMatching(/no sequence model/) })
  })

  it('and refused where they have seen what is judged', { timeout: 60_000 }, async () => {
    for (const more of [
      ['--part', 'valid'],
      ['--protocol', 'prequential'],
    ]) {
      const { code, stderr } = await folder.run(...asked('--algorithms', 'follows', ...more))
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringMatching(/follows cannot be judged here: .*only --protocol/),
      })
    }
  })
})

describe('leaks', () => {
  const model = (toMs: number, digests: string[] = ['a']): TrainedModel => ({
    name: 'm',
    version: '1',
    items: [],
    length: 3,
    training: { toMs, digests, split: 'by time' },
  })
  const judged = { firstMs: 1000, isLastOfEach: false, digests: ['a', 'b'] }

  it('with times only what is younger than the last event it was learned from may be judged', () => {
    expect(leakOf(model(999), judged)).toBeNull()
    expect(leakOf(model(1000), judged)).toMatch(/reach to 1970-01-01T00:00:01.000Z/)
    expect(leakOf(model(1000), { ...judged, isLastOfEach: true })).not.toBeNull()
  })

  it('without times only its own files may, and of them what was left out', () => {
    expect(leakOf(model(0), judged)).toMatch(/leave-last-out/)
    expect(leakOf(model(0), { ...judged, isLastOfEach: true })).toBeNull()
    expect(leakOf(model(0, ['c']), { ...judged, isLastOfEach: true })).toMatch(/other files/)
    expect(leakOf(model(0, []), { ...judged, isLastOfEach: true })).toMatch(/other files/)
  })
})
