import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Observations } from '../../evaluation/observations.ts'
import { type Plan, roles } from '../../evaluation/plan.ts'
import { leakOf, type TrainedModel } from '../../evaluation/trained-model.ts'
import type { Inference } from '../../ports/inference.ts'
import { silentLogger } from '../../ports/logger.ts'
import { openInference, openModelShelf } from '../compose.ts'

/** What of a run.json matters here. */
interface Run {
  readonly parameters?: { readonly length?: number }
  readonly data?: {
    readonly to_ms?: number
    readonly how_split?: string
    readonly files?: readonly { readonly sha256: string }[]
  }
}

/** Models of a repository, open to be asked. */
export interface TrainedModels {
  readonly models: readonly TrainedModel[]
  readonly inference: Inference
}

/**
 * Opens a repository in this process, the way the engine asks its models, and finds the sequence models in it. Errors: `MILL_USAGE`
 * if there is none, `MILL_MODEL_INVALID`.
 */
export async function openTrainedModels(repository: string): Promise<TrainedModels> {
  const settings = { inference: { repository, workers: [], threads: 1 } }
  const shelf = await openModelShelf(settings, systemClock, silentLogger).all()
  const models = await readTrainedModels(repository, shelf)
  if (models.length === 0)
    throw new MillraceError(
      'MILL_USAGE',
      `--repository ${repository} has no sequence model (it has: ${shelf.map(({ model }) => model).join(', ') || 'nothing'}); train one with models/training/train_sequence.py`,
    )
  return { models, inference: await openInference(settings, systemClock, silentLogger) }
}

/** The sequence models of a repository: the ones that come with an items.json and say how far they look back. */
async function readTrainedModels(
  repository: string,
  shelf: readonly { readonly model: string; readonly served: number | null }[],
): Promise<TrainedModel[]> {
  const models: TrainedModel[] = []
  for (const { model, served } of shelf) {
    if (served === null) continue
    const folder = join(repository, model, String(served))
    const items = await readJson<readonly string[]>(join(folder, 'items.json'))
    const run = await readJson<Run>(join(folder, 'run.json'))
    // Models of pairs (ncf) have items, too, but look back at nothing: they have no length.
    if (items === null || run?.parameters?.length === undefined) continue
    const { to_ms: toMs = 0, how_split: split = 'how is not said', files = [] } = run.data ?? {}
    const training = { toMs, split, digests: files.map(({ sha256 }) => sha256) }
    models.push({ name: model, version: String(served), items, length: run.parameters.length, training })
  }
  return models
}

/** Refuses a model that has seen what the plans judge. Errors: `MILL_USAGE` with the reason. */
export async function refuseLeaks(
  models: readonly TrainedModel[],
  judged: { readonly data: Observations; readonly plans: readonly Plan[]; readonly path: string; readonly isLastOfEach: boolean },
): Promise<void> {
  if (models.length === 0) return
  const digests = await digestsOf(judged.path)
  const firstMs = firstJudgedMs(judged.data, judged.plans)
  for (const model of models) {
    const leak = leakOf(model, { firstMs, isLastOfEach: judged.isLastOfEach, digests })
    if (leak !== null) throw new MillraceError('MILL_USAGE', `${model.name} cannot be judged here: ${leak}`)
  }
}

function firstJudgedMs({ timesMs }: Observations, plans: readonly Plan[]): number {
  let firstMs = Number.POSITIVE_INFINITY
  for (const { order, roles: roleAt } of plans)
    for (let at = 0; at < order.length; at++) if (roleAt[at] === roles.judge) firstMs = Math.min(firstMs, timesMs[order[at]!]!)
  return firstMs
}

/** SHA-256 of a file, or of each file of a folder. */
async function digestsOf(path: string): Promise<string[]> {
  const found = await stat(path)
  const files = found.isDirectory()
    ? (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => join(path, name))
    : [path]
  return await Promise.all(
    files.map(async (file) => {
      const hash = createHash('sha256')
      for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array)
      return hash.digest('hex')
    }),
  )
}

/** The file's content, null if there is none. */
async function readJson<T>(path: string): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  try {
    return text === null ? null : (JSON.parse(text) as T)
  } catch (cause) {
    throw new MillraceError('MILL_MODEL_INVALID', `${path} is no JSON: ${(cause as Error).message}`, { cause })
  }
}
