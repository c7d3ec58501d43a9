import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { Inference } from '../../ports/inference.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'

const ls: CommandModule<object, GlobalFlags> = {
  command: 'ls',
  describe: 'Models of the inference workers, or of the local repository. Exit 1 if one is not ready or there is none',
  handler: (flags) =>
    withInference(flags, async (inference) => {
      const models = await inference.models()
      if (models.length === 0 || models.some((model) => !model.ready)) process.exitCode = exitCodes.no
      if (flags.json) printJson(models)
      else
        printTable(
          ['model', 'version', 'ready', 'reason'],
          models.map((model) => [model.model, model.version, model.ready ? 'yes' : 'no', model.reason || null]),
          'no models: lists are made on the lower rungs',
        )
    }),
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

/** `millrace models ls | load`. */
export const modelsCommand: CommandModule = {
  command: 'models',
  describe: 'Look at models and load them',
  builder: (yargs) => yargs.command(ls).command(load).demandCommand(1, 'name what to do: ls or load'),
  handler: () => {},
}
