import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../core/errors.ts'
import { checkGoldenBatch, type GoldenResult, readGoldenBatch } from './golden-batch.ts'
import { listModels, listVersions, readModelFiles } from './model-files.ts'
import { type ModelComparison, type ModelRun, readModelComparison, readModelRun } from './model-run.ts'
import { ModelVersion, type SessionSettings } from './model-version.ts'
import { pinVersion } from './pin-version.ts'
import { readModelConfig } from './read-model-config.ts'

/** Versions that were served before, kept for `rollback`. */
const historyMax = 20

/** The versions of one model in a repository. */
export interface ShelvedModel {
  readonly model: string
  /** Versions whose folders are there, ascending. */
  readonly kept: readonly number[]
  /** The version that answers requests which name none; null if the policy chooses none. */
  readonly served: number | null
  /** Versions served before that one by promotion, newest last. */
  readonly before: readonly number[]
}

/**
 * Chooses which version of a model is served, by the standard field `version_policy` of its config.pbtxt; no version folder is ever
 * changed or deleted. What was served before stands in `served.json` beside it. Whoever serves follows at its next load.
 */
export class ModelShelf {
  readonly repository: string
  readonly #settings: SessionSettings

  constructor(repository: string, settings: Omit<SessionSettings, 'threadUrl'>) {
    this.repository = repository
    this.#settings = { ...settings, threadUrl: new URL('./session-thread.ts', import.meta.url) }
  }

  /** Every model of the repository. */
  async all(): Promise<readonly ShelvedModel[]> {
    return await Promise.all((await listModels(this.repository)).map((model) => this.find(model)))
  }

  /** One model. Errors: `MILL_NOT_FOUND`. */
  async find(model: string): Promise<ShelvedModel> {
    const names = await listModels(this.repository)
    if (!names.includes(model))
      throw new MillraceError(
        'MILL_NOT_FOUND',
        `there is no model "${model}" in ${this.repository}; there are ${names.join(', ') || 'none'}`,
      )
    const kept = await listVersions(join(this.repository, model))
    // A policy that chooses nothing, or a wrong config, serves nothing.
    const served = await readModelFiles(this.repository, model).then(
      ({ versions }) => versions.at(-1)?.version ?? null,
      () => null,
    )
    const before = await this.#before(model)
    return { model, kept, served, before: before.filter((version) => kept.includes(version)) }
  }

  /**
   * Opens a version as it would be served, config included, and asks it for its golden batch; nothing is served by that. Errors:
   * `MILL_MODEL_INVALID`, `MILL_INFERENCE_INVALID`.
   */
  async checkGolden(model: string, version: number): Promise<GoldenResult> {
    const golden = await readGoldenBatch(join(this.repository, model, String(version), 'golden.json'))
    const file = `${model}/config.pbtxt`
    const config = readModelConfig(pinVersion(await this.#config(model), version, file), { file, name: model })
    const modelPath = join(this.repository, model, String(version), config.default_model_filename || 'model.onnx')
    const opened = await ModelVersion.open({ model, version, modelPath, config }, this.#settings)
    try {
      return await checkGoldenBatch(opened, golden)
    } finally {
      await opened.retire()
    }
  }

  /** What its training wrote down of a version; null if it came without. Errors: `MILL_MODEL_INVALID`. */
  async run(model: string, version: number): Promise<ModelRun | null> {
    return await readModelRun(join(this.repository, model, String(version), 'run.json'))
  }

  /**
   * How a version did against another: as its training found, or as was found later (`comparisons/<version>-<against>.json`). Null if
   * the two were never compared. Errors: `MILL_MODEL_INVALID`.
   */
  async comparison(model: string, version: number, against: number): Promise<ModelComparison | null> {
    const path = join(this.repository, model, 'comparisons', `${version}-${against}.json`)
    const later = await readModelComparison(path)
    if (later) return later
    const first = (await this.run(model, version))?.comparison ?? null
    return first?.with === against ? first : null
  }

  /** The text of a file that stands beside a version's model; null if there is none. */
  async read(model: string, version: number, file: string): Promise<string | null> {
    return await readFile(join(this.repository, model, String(version), file), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
      throw new MillraceError('MILL_MODEL_INVALID', `${model}/${version}/${file} cannot be read: ${error.message}`, {
        cause: error,
      })
    })
  }

  /** Serves a version from the next load on; `before` is what `rollback` may go back to. Errors: `MILL_MODEL_INVALID`. */
  async serve(model: string, version: number, before: readonly number[]): Promise<void> {
    const folder = join(this.repository, model)
    const text = pinVersion(await this.#config(model), version, `${model}/config.pbtxt`)
    await replaceFile(join(folder, 'served.json'), `${JSON.stringify({ before: before.slice(-historyMax) })}\n`)
    await replaceFile(join(folder, 'config.pbtxt'), text)
  }

  async #config(model: string): Promise<string> {
    return await readFile(join(this.repository, model, 'config.pbtxt'), 'utf8').catch((cause: Error) => {
      throw new MillraceError(
        'MILL_MODEL_INVALID',
        `${model}/config.pbtxt cannot be read (${cause.message}): a version is chosen there`,
        { cause },
      )
    })
  }

  async #before(model: string): Promise<readonly number[]> {
    try {
      const { before } = JSON.parse(await readFile(join(this.repository, model, 'served.json'), 'utf8')) as { before: unknown }
      return Array.isArray(before) ? before.filter((version): version is number => Number.isInteger(version)) : []
    } catch {
      return [] // Nothing was promoted yet.
    }
  }
}

/** Readers see the old text or the new one, never half of it. */
async function replaceFile(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`
  await writeFile(partial, text)
  await rename(partial, path)
}
