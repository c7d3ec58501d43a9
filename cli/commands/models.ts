import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { ModelShelf } from '../../gpu-workers/model-shelf.ts'
import type { Inference, ModelState } from '../../ports/inference.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { localShelf } from '../local-shelf.ts'
import { printJson, printTable } from '../print.ts'
import type { Promotion } from '../promote-model.ts'
import { modelsAuditCommand } from './models-audit.ts'
import { comparisonText, modelsShowCommand } from './models-show.ts'

const ls: CommandModule<object, GlobalFlags> = {
  command: 'ls',
  describe:
    'Models of the inference workers, or of the local repository, which version is served and how it compared. Exit 1 if one is not ready or there is none',
  handler: (flags) =>
    withInference(flags, async (inference) => {
      const models = await inference.models()
      if (models.length === 0 || models.some((model) => !model.ready)) process.exitCode = exitCodes.no
      const states = [...models.map((model) => ({ ...model, served: isServed(model, models) })), ...(await idle(flags, models))]
      const rows = await withRuns(flags, states)
      if (flags.json) printJson(rows)
      else
        printTable(
          ['model', 'version', 'served', 'ready', 'reason', 'learned until', 'code', 'against'],
          rows.map((model) => [
            model.model,
            model.version,
            model.served ? 'yes' : 'no',
            model.ready ? 'yes' : 'no',
            model.reason || null,
            model.learnedUntil,
            model.code,
            comparisonText(model.comparison),
          ]),
          'no models: lists are made on the lower rungs',
        )
    }),
}

/** A request that names no version gets the newest that is loaded. */
function isServed({ model, version, ready }: ModelState, models: readonly ModelState[]): boolean {
  return ready && models.every((other) => other.model !== model || !other.ready || Number(other.version) <= Number(version))
}

/** What is written down of each version; workers may have versions that the local repository has not. */
async function withRuns<S extends ModelState>(flags: GlobalFlags, states: readonly S[]) {
  const shelf = await localShelf(flags)
  return await Promise.all(
    states.map(async (state) => {
      const run = await shelf.run(state.model, Number(state.version))
      const untilMs = run?.data.toMs
      const learnedUntil = untilMs ? new Date(untilMs).toISOString() : null
      return { ...state, learnedUntil, code: run?.code ?? null, comparison: run?.comparison ?? null }
    }),
  )
}

/** Versions of the local repository that its policies leave out: what `promote` may choose. Workers have a repository of their own. */
async function idle(flags: GlobalFlags, loaded: readonly ModelState[]): Promise<(ModelState & { readonly served: boolean })[]> {
  const config = configOf(flags)
  if (config.inference.workers.length > 0) return []
  const known = new Set(loaded.map(({ model, version }) => `${model} ${version}`))
  const shelf = await localShelf(flags)
  return (await shelf.all()).flatMap(({ model, kept }) =>
    kept
      .filter((version) => !known.has(`${model} ${version}`))
      .map((version) => ({ model, version: String(version), ready: false, served: false, reason: 'kept, not loaded' })),
  )
}

const load: CommandModule<object, GlobalFlags & { readonly model: string }> = {
  command: 'load <model>',
  describe: 'Make the workers load or reload a model from their repository; without workers, check that it loads',
  builder: (yargs) =>
    yargs.positional('model', { type: 'string', demandOption: true, describe: 'Its folder in the repository' }) as never,
  handler: (flags) =>
    withInference(flags, async (inference, remote) => {
      await inference.load(flags.model)
      const versions = (await inference.models()).filter(({ model }) => model === flags.model)
      if (flags.json) printJson({ model: flags.model, loaded: true, workers: remote, versions })
      else
        console.log(
          `${flags.model} ${versions.map(({ version }) => version).join(', ')} ${remote ? 'is served by the workers' : 'loads; an engine with in-process inference takes it at its next start'}`,
        )
    }),
}

interface ChangeFlags extends GlobalFlags {
  readonly model: string
  readonly force: boolean
  readonly reason: string | undefined
}

const changeOptions = {
  force: {
    type: 'boolean',
    default: false,
    describe: 'Even if it does not answer its golden batch, or was not compared with what is served; with --reason',
  },
  reason: { type: 'string', requiresArg: true, describe: 'Why, for the audit' },
} as const

const promote: CommandModule<object, ChangeFlags & { readonly version: number }> = {
  command: 'promote <model> <version>',
  describe:
    'Serve a version that is in the repository, if it answers its golden batch and is not worse than what is served; both towers together. Exit 4 if not',
  builder: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: 'Its folder in the repository' })
      .positional('version', { type: 'number', demandOption: true, describe: 'The folder of the version' })
      .options(changeOptions)
      .example('$0 models promote ranker 2', 'writes version_policy of ranker/config.pbtxt') as never,
  handler: (flags) =>
    change(flags, async (shelf) => {
      const { promoteModel } = await import('../promote-model.ts')
      return await promoteModel(shelf, configOf(flags), { model: flags.model, version: flags.version }, flags)
    }),
}

const rollback: CommandModule<object, ChangeFlags> = {
  command: 'rollback <model>',
  describe: 'Serve again what was served before the last promotion, or the next lower version. Exit 1 if there is none',
  builder: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: 'Its folder in the repository' })
      .options(changeOptions) as never,
  handler: (flags) =>
    change(flags, async (shelf) => {
      const { rollBackModel } = await import('../promote-model.ts')
      return await rollBackModel(shelf, configOf(flags), flags.model, flags)
    }),
}

/** Changes what is served and, where there are workers, makes them follow; those must answer before anything is changed. */
async function change(flags: ChangeFlags, work: (shelf: ModelShelf) => Promise<readonly Promotion[]>): Promise<void> {
  const workers = configOf(flags).inference.workers.length > 0
  const shelf = await localShelf(flags)
  let promotions: readonly Promotion[] = []
  if (!workers) promotions = await work(shelf)
  else
    await withInference(flags, async (inference) => {
      promotions = await work(shelf)
      for (const { model } of promotions) await inference.load(model)
      const models = await inference.models()
      const lagging = promotions.filter(
        ({ model, to }) => !models.some((one) => one.model === model && one.version === String(to) && isServed(one, models)),
      )
      if (lagging.length === 0) return
      const names = lagging.map(({ model, to }) => `${model} ${to}`).join(', ')
      throw new MillraceError(
        'MILL_NOT_FOUND',
        `${shelf.repository} serves ${names} now, but the workers do not: they read another repository`,
      )
    })
  if (flags.json) return printJson({ workers, promotions })
  for (const { model, from, to, golden, comparison } of promotions) {
    const proof = golden
      ? `golden batch of ${golden.rows} rows within ${golden.worst.toExponential(1)}`
      : 'golden batch failed, forced'
    const gain = comparison ? `; against ${comparisonText(comparison)}` : ''
    console.log(
      `${model} ${from ?? 'none'} → ${to} (${proof}${gain})${workers ? '' : '; an engine with in-process inference takes it at its next start'}`,
    )
  }
}

type LoadingInference = Inference & { load(model: string): Promise<void> }

async function withInference(
  flags: GlobalFlags,
  work: (inference: LoadingInference, remote: boolean) => Promise<void>,
): Promise<void> {
  const config = configOf(flags)
  const { openInference } = await import('../compose.ts')
  const { openLogger } = await import('../logger.ts')
  const { systemClock } = await import('../../core/clock.ts')
  const remote = config.inference.workers.length > 0
  const inference = (await openInference(config, systemClock, openLogger(config))) as LoadingInference
  try {
    if (remote && (await inference.models()).length === 0 && !(await answers(inference)))
      throw new MillraceError(
        'MILL_INFERENCE_UNAVAILABLE',
        `no inference worker answers at ${config.inference.workers.join(', ')}`,
      )
    await work(inference, remote)
  } finally {
    await inference.close()
  }
}

/** A worker without models and no worker look alike until one is asked. */
async function answers(inference: Inference): Promise<boolean> {
  try {
    await inference.infer({ model: 'none', version: '', inputs: [], outputs: [], deadlineMs: 1000 })
    return true
  } catch (error) {
    return !(error instanceof MillraceError && ['MILL_INFERENCE_UNAVAILABLE', 'MILL_INFERENCE_TIMEOUT'].includes(error.code))
  }
}

/** `millrace models ls | show | load | audit | promote | rollback`. */
export const modelsCommand: CommandModule = {
  command: 'models',
  describe: 'Look at models, load them, audit what they were given, choose which version is served',
  builder: (yargs) =>
    yargs
      .command(ls)
      .command(modelsShowCommand)
      .command(load)
      .command(modelsAuditCommand)
      .command(promote)
      .command(rollback)
      .demandCommand(1, 'name what to do: ls, show, load, audit, promote or rollback'),
  handler: () => {},
}
