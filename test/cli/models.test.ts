import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openModelShelf } from '../../cli/compose.ts'
import { type Config, loadConfig } from '../../cli/config.ts'
import { promoteModel, rollBackModel } from '../../cli/promote-model.ts'
import { systemClock } from '../../core/clock.ts'
import { createLocalInference } from '../../gpu-workers/local-inference.ts'
import type { ModelShelf } from '../../gpu-workers/model-shelf.ts'
import type { Inference } from '../../ports/inference.ts'
import { silentLogger } from '../../ports/logger.ts'
import { linearModel, publish } from '../gpu-workers/onnx-fixture.ts'
import { WorkerProcess } from '../gpu-workers/worker-process.ts'
import { CliFolder } from './run-cli.ts'

let folder: string
let config: Config
let shelf: ModelShelf

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-models-'))
  const repository = join(folder, 'models')
  config = loadConfig(undefined, { embedded: { path: join(folder, 'test.db') }, inference: { repository } })
  shelf = openModelShelf(config, systemClock, silentLogger)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Version n answers y = n · x. `learned` is what its golden batch says that it was trained to answer. */
async function keep(model: string, version: number, learned = version): Promise<void> {
  const policy = 'version_policy { latest { num_versions: 2 } }'
  const text = `name: "${model}" # ours\nmax_batch_size: 8\n${policy}\n`
  await publish(shelf.repository, model, version, linearModel([[version]], [0]), version === 1 ? text : undefined)
  const golden = { tolerance: 1e-4, inputs: { x: [[1], [2]] }, outputs: { y: [[learned], [2 * learned]] } }
  await writeFile(join(shelf.repository, model, String(version), 'golden.json'), JSON.stringify(golden))
}

/** What a training writes that compared a version with the one then in use. */
async function compared(model: string, version: number, against: number, accepted = true): Promise<void> {
  const comparison = {
    with: against,
    metric: 'gain_by_rank',
    difference: accepted ? 0.03 : -0.03,
    interval: [-0.01, 0.05],
    margin: 0.02,
    accepted,
  }
  const run = {
    code: `code-${version}`,
    parent: null,
    data: { slots: 40, from_ms: 1, to_ms: 60_000 },
    metrics: { auc: 0.7 },
    comparison,
  }
  await writeFile(join(shelf.repository, model, String(version), 'run.json'), JSON.stringify(run))
}

async function answerOf(inference: Inference, model: string): Promise<unknown> {
  const x = { name: 'x', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(10) } as const
  const { version, outputs } = await inference.infer({ model, version: '', inputs: [x], outputs: ['y'], deadlineMs: 10_000 })
  return { version, y: outputs[0]!.data[0] }
}

const options = { force: false, reason: 'test' }
const promote = (model: string, version: number, force = false) =>
  promoteModel(shelf, config, { model, version }, { ...options, force })
const servedOf = async (model: string) => (await shelf.find(model)).served
const auditLines = () =>
  readFileSync(join(folder, 'audit.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('models promote and rollback', () => {
  it('serves the chosen version, in process as well, and goes back step by step; folders stay', async () => {
    for (const version of [1, 2, 3]) await keep('m', version)
    await compared('m', 1, 3)
    await compared('m', 2, 1)
    const inference = await createLocalInference({ repository: shelf.repository })
    const now = async () => {
      await inference.load('m')
      return await answerOf(inference, 'm')
    }
    expect(await now()).toEqual({ version: '3', y: 30 })
    expect(await promote('m', 1)).toMatchObject([{ model: 'm', from: 3, to: 1, golden: { rows: 2, worst: 0 } }])
    expect(await now()).toEqual({ version: '1', y: 10 })
    await promote('m', 2)
    expect(await now()).toEqual({ version: '2', y: 20 })
    expect(await rollBackModel(shelf, config, 'm', options)).toMatchObject([{ from: 2, to: 1 }])
    expect(await now()).toEqual({ version: '1', y: 10 })
    expect(await rollBackModel(shelf, config, 'm', options)).toMatchObject([{ from: 1, to: 3 }])
    expect(await now()).toEqual({ version: '3', y: 30 })
    // Nothing was promoted before that: the next lower one.
    expect(await rollBackModel(shelf, config, 'm', options)).toMatchObject([{ from: 3, to: 2 }])
    await inference.close()
    expect([1, 2, 3].every((version) => existsSync(join(shelf.repository, 'm', String(version), 'model.onnx')))).toBe(true)
    expect(readFileSync(join(shelf.repository, 'm', 'config.pbtxt'), 'utf8')).toContain('# ours')
    expect(auditLines().map(({ act, model, from, to, reason, forced }) => [act, model, from, to, reason, forced])).toEqual([
      ['models promote', 'm', 3, 1, 'test', false],
      ['models promote', 'm', 1, 2, 'test', false],
      ['models rollback', 'm', 2, 1, 'test', false],
      ['models rollback', 'm', 1, 3, 'test', false],
      ['models rollback', 'm', 3, 2, 'test', false],
    ])
  })

  it('refuses a version that does not answer its golden batch, or has none, unless forced; nothing changes then', async () => {
    await keep('m', 1)
    await keep('m', 2, 2.1)
    await compared('m', 1, 2)
    await compared('m', 2, 1)
    await promote('m', 1)
    await expect(promote('m', 2)).rejects.toMatchObject({ name: 'MillraceError', message: expect.stringContaining('--force') })
    await expect(promote('m', 2)).rejects.toThrow(/"y" number 0 is 2 where 2\.1/)
    expect(await servedOf('m')).toBe(1)
    expect(await promote('m', 2, true)).toMatchObject([{ from: 1, to: 2, golden: null }])
    expect(await servedOf('m')).toBe(2)
    await publish(shelf.repository, 'm', 3, linearModel([[3]], [0]))
    await expect(promote('m', 3)).rejects.toThrow('no golden batch')
    await expect(promote('m', 9)).rejects.toMatchObject({ code: 'MILL_NOT_FOUND', message: expect.stringContaining('1, 2, 3') })
    await expect(promote('other', 1)).rejects.toMatchObject({ code: 'MILL_NOT_FOUND' })
    expect(auditLines()).toHaveLength(2)
    expect(auditLines()[1]).toMatchObject({ forced: true, to: 2 })
  })

  it('refuses a version that was not compared with the one in use, or lost to it, unless forced with a reason', async () => {
    for (const version of [1, 2, 3, 4]) await keep('m', version)
    await compared('m', 1, 2)
    await compared('m', 2, 4, false)
    await compared('m', 3, 4)
    await expect(promote('m', 1)).rejects.toThrow('m 1 is not promoted: it was never compared with version 4, which is in use')
    await expect(promote('m', 2)).rejects.toThrow('it may be worse than version 4 by more than 0.02 of gain_by_rank')
    expect(await servedOf('m')).toBe(4)
    expect(await promote('m', 3)).toMatchObject([{ from: 4, to: 3, comparison: { with: 4, difference: 0.03 } }])
    await expect(promote('m', 4)).rejects.toThrow('m 4 is not promoted: it was never compared with version 3')
    await expect(
      promoteModel(shelf, config, { model: 'm', version: 2 }, { force: true, reason: undefined }),
    ).rejects.toMatchObject({
      code: 'MILL_USAGE',
    })
    expect(await servedOf('m')).toBe(3)
    expect(await promote('m', 2, true)).toMatchObject([{ from: 3, to: 2, comparison: null }])
    // A comparison that was made later counts, and counts more than that of the training.
    await mkdir(join(shelf.repository, 'm', 'comparisons'))
    const later = { with: 2, metric: 'gain_by_rank', difference: 0.03, interval: [0.01, 0.05], margin: 0.02, accepted: true }
    await writeFile(join(shelf.repository, 'm', 'comparisons', '4-2.json'), JSON.stringify(later))
    expect(await promote('m', 4)).toMatchObject([{ from: 2, to: 4, comparison: { with: 2, accepted: true } }])
    expect(await promote('m', 3)).toMatchObject([{ from: 4, to: 3 }])
    expect(await promote('m', 2, true)).toMatchObject([{ from: 3, to: 2 }])
    // What was good enough once is gone back to without being compared.
    expect(await rollBackModel(shelf, config, 'm', options)).toMatchObject([{ from: 2, to: 3, comparison: null }])
    expect(auditLines().at(-2)).toMatchObject({ forced: true, reason: 'test' })
  })

  it('shows what versions were made from; those of before, too', async () => {
    for (const version of [1, 2]) await keep('m', version)
    await compared('m', 2, 1)
    const cli = new CliFolder()
    try {
      const local = ['--set', `inference.repository=${shelf.repository}`]
      const shown = await cli.json('models', 'show', 'm', ...local)
      expect(shown).toMatchObject({ code: 0, value: { model: 'm', inUse: 2, before: [] } })
      const data = { fromMs: 1, toMs: 60_000, rows: 40, files: [] }
      expect(shown.value).toHaveProperty('versions', [
        { version: 1, inUse: false },
        expect.objectContaining({ version: 2, inUse: true, code: 'code-2', data, metrics: { auc: 0.7 } }),
      ])
      const text = await cli.run('models', 'show', 'm', '2', ...local)
      expect(text.stdout).toMatch(/against the version then in use: 1: \+0\.0300 \[−0\.0100, \+0\.0500\] gain_by_rank/)
      expect(text.stdout).toMatch(/auc +0\.7/)
      expect(await cli.json('models', 'show', 'm', '9', ...local)).toMatchObject({ code: 1 })
    } finally {
      await cli.close()
    }
  })

  it('changes both towers together, or none', async () => {
    for (const model of ['two_tower_user', 'two_tower_item']) for (const version of [1, 2]) await keep(model, version)
    await compared('two_tower_item', 1, 2)
    await expect(promote('two_tower_item', 1)).rejects.toThrow('two_tower_user 1 is not promoted')
    expect([await servedOf('two_tower_user'), await servedOf('two_tower_item')]).toEqual([2, 2])
    await compared('two_tower_user', 1, 3)
    await keep('two_tower_user', 3)
    expect((await promote('two_tower_item', 1)).map(({ model }) => model)).toEqual(['two_tower_item', 'two_tower_user'])
    expect([await servedOf('two_tower_user'), await servedOf('two_tower_item')]).toEqual([1, 1])
    await expect(promote('two_tower_user', 3)).rejects.toThrow('two_tower_item has no version 3')
    expect([await servedOf('two_tower_user'), await servedOf('two_tower_item')]).toEqual([1, 1])
  })

  it('what was promoted stays when a newer version is published, and is no step to go back to', async () => {
    for (const version of [1, 2]) await keep('m', version)
    await promote('m', 2)
    await keep('m', 3)
    expect(await servedOf('m')).toBe(2)
    expect(await shelf.find('m')).toEqual({ model: 'm', kept: [1, 2, 3], served: 2, before: [] })
  })

  it('has nothing to go back to where one version is kept', async () => {
    await keep('m', 1)
    await expect(rollBackModel(shelf, config, 'm', options)).rejects.toMatchObject({ code: 'MILL_NOT_FOUND' })
  })

  it('workers follow at once, and the command shows which version is served', { timeout: 180_000 }, async () => {
    for (const version of [1, 2]) await keep('m', version)
    await keep('m', 3, 4)
    await compared('m', 1, 3)
    const cli = new CliFolder()
    const worker = await WorkerProcess.start(shelf.repository)
    try {
      const local = ['--set', `inference.repository=${shelf.repository}`]
      const workers = [...local, '--set', `inference.workers=127.0.0.1:${worker.ready.port}`]
      expect(await cli.json('models', 'promote', 'm', '3', ...workers)).toMatchObject({ code: 4 })
      const done = await cli.json('models', 'promote', 'm', '1', '--reason', 'the new one is worse', ...workers)
      expect(done).toMatchObject({ code: 0, value: { workers: true, promotions: [{ model: 'm', to: 1 }] } })
      expect(await cli.json('models', 'ls', ...workers)).toMatchObject({
        code: 0,
        value: [{ model: 'm', version: '1', served: true, ready: true }],
      })
      expect((await cli.json('models', 'ls', ...local)).value).toMatchObject([
        { version: '1', served: true },
        { version: '2', served: false, ready: false },
        { version: '3', served: false },
      ])
      expect(readFileSync(join(cli.path, 'audit.jsonl'), 'utf8')).toContain('the new one is worse')
    } finally {
      worker.child.kill('SIGTERM')
      await worker.exited
      await cli.close()
    }
  })
})
