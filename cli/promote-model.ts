import { MillraceError } from '../core/errors.ts'
import type { GoldenResult } from '../gpu-workers/golden-batch.ts'
import type { ModelComparison } from '../gpu-workers/model-run.ts'
import type { ModelShelf, ShelvedModel } from '../gpu-workers/model-shelf.ts'
import { audit } from './audit.ts'
import type { Config } from './config.ts'
import { GuardError } from './guard-error.ts'

/** Models whose outputs are compared with each other: vectors of two versions would not fit together. */
const together: readonly (readonly string[])[] = [['two_tower_item', 'two_tower_user']]

/** What became of one model. */
export interface Promotion {
  readonly model: string
  /** Null if nothing was served. */
  readonly from: number | null
  readonly to: number
  /** Null when the golden batch failed and `--force` was given. */
  readonly golden: GoldenResult | null
  /** How it did against the version that was served; null if there was none to beat, or none was asked for. */
  readonly comparison: ModelComparison | null
}

export interface PromoteOptions {
  /** Whatever the golden batch and the comparison say; a reason must be given then. */
  readonly force: boolean
  readonly reason: string | undefined
}

/**
 * Serves another version of a model, and of those that belong to it, once each answered its golden batch and, by its run.json, is not
 * worse than what is served. Errors: `MILL_NOT_FOUND` for an unknown model or version; without `force` a GuardError when a golden batch
 * fails or a comparison with the version in use is missing or lost, and then nothing is changed; `MILL_USAGE` for force without a reason.
 */
export async function promoteModel(
  shelf: ModelShelf,
  config: Config,
  change: { readonly model: string; readonly version: number },
  options: PromoteOptions,
): Promise<readonly Promotion[]> {
  const models = await partners(shelf, change.model)
  for (const one of models) requireVersion(one, change.version)
  requireReason(options)
  return await apply(shelf, config, 'models promote', models, change.version, options)
}

/**
 * Serves again what was served before the last promotion; without one, the next lower version. It was good enough once, so it is not
 * compared. Errors: as `promoteModel`, and `MILL_NOT_FOUND` when there is nothing to go back to.
 */
export async function rollBackModel(
  shelf: ModelShelf,
  config: Config,
  model: string,
  options: PromoteOptions,
): Promise<readonly Promotion[]> {
  const models = await partners(shelf, model)
  const own = models.find((one) => one.model === model)!
  const to = own.before.at(-1) ?? own.kept.filter((version) => version < (own.served ?? 0)).at(-1)
  if (to === undefined)
    throw new MillraceError(
      'MILL_NOT_FOUND',
      `${model} serves version ${own.served}: nothing was served before it, and no lower one is kept`,
    )
  for (const one of models) requireVersion(one, to)
  requireReason(options)
  return await apply(shelf, config, 'models rollback', models, to, options)
}

async function apply(
  shelf: ModelShelf,
  config: Config,
  act: 'models promote' | 'models rollback',
  models: readonly ShelvedModel[],
  to: number,
  { force, reason }: PromoteOptions,
): Promise<readonly Promotion[]> {
  const promotions: Promotion[] = []
  for (const { model, served } of models) {
    const golden = await checked(shelf, model, to, force)
    const comparison = act === 'models promote' && served !== to ? await compared(shelf, { model, served, to, force }) : null
    promotions.push({ model, from: served, to, golden, comparison })
  }
  for (const [at, { model, served, before }] of models.entries()) {
    audit(config, act, { ...promotions[at], forced: force, reason: reason ?? null })
    // What is served already is chosen all the same: it then stays when a newer one is published.
    const pushed = served === null || served === to ? before : [...before, served]
    await shelf.serve(model, to, act === 'models rollback' ? before.slice(0, -1) : pushed)
  }
  return promotions
}

async function checked(shelf: ModelShelf, model: string, version: number, force: boolean): Promise<GoldenResult | null> {
  try {
    return await shelf.checkGolden(model, version)
  } catch (error) {
    if (force) return null
    const what = error instanceof Error ? error.message : String(error)
    throw new GuardError(`${model} ${version} is not promoted: ${what}; insist with --force --reason WHY`)
  }
}

/** The comparison with the version in use. */
async function compared(
  shelf: ModelShelf,
  { model, served, to, force }: { model: string; served: number | null; to: number; force: boolean },
): Promise<ModelComparison | null> {
  if (served === null) return null
  const comparison = await shelf.comparison(model, to, served)
  if (force || comparison?.accepted) return comparison
  const what =
    comparison === null
      ? `it was never compared with version ${served}, which is in use: models/training/compare_versions.py does that`
      : (comparison.not_comparable ??
        `it may be worse than version ${served} by more than ${comparison.margin} of ${comparison.metric}`)
  throw new GuardError(`${model} ${to} is not promoted: ${what}; insist with --force --reason WHY`)
}

function requireReason({ force, reason }: PromoteOptions): void {
  if (force && !reason) throw new MillraceError('MILL_USAGE', '--force needs --reason WHY, which is kept in the audit')
}

/** The model and those that must have its version, in the order in which they are changed. */
async function partners(shelf: ModelShelf, model: string): Promise<readonly ShelvedModel[]> {
  const own = await shelf.find(model)
  const names = together.find((group) => group.includes(model)) ?? [model]
  return await Promise.all(names.map((name) => (name === model ? own : shelf.find(name))))
}

function requireVersion({ model, kept }: ShelvedModel, version: number): void {
  if (kept.includes(version)) return
  throw new MillraceError('MILL_NOT_FOUND', `${model} has no version ${version}; kept are ${kept.join(', ') || 'none'}`)
}
