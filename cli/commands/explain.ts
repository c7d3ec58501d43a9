import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { UserFeatures } from '../../schemas/user-features.ts'
import type { OpenPorts } from '../compose.ts'
import type { Config } from '../config.ts'
import type { StoredList } from '../explain-list.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson } from '../print.ts'
import type { ForestOf } from '../read-forest.ts'
import { withPorts } from '../with-ports.ts'

/** The model that scores lists, as cli/recommendation-ports.ts names it. */
const model = 'ranker'

interface ExplainFlags extends GlobalFlags {
  readonly user: string
  readonly surface: string
  readonly item: string | undefined
  readonly whyNot: string | undefined
  readonly draws: number
}

/** `millrace explain <user>`: why each item is on a person's list, or why one is not. */
export const explainCommand: CommandModule<object, Omit<ExplainFlags, 'surface'> & { readonly surface: string | undefined }> = {
  command: 'explain <user>',
  describe: "Why each item is on a person's list, or at which stage an absent one ended. Exit 1 for an unknown person or item",
  builder: (yargs) =>
    yargs
      .positional('user', { type: 'string', demandOption: true, describe: 'The person' })
      .option('surface', {
        type: 'string',
        requiresArg: true,
        describe: 'Where the list is shown; recommendations.surface if absent',
      })
      .option('item', { type: 'string', requiresArg: true, describe: 'This item only, with all feature contributions' })
      .option('why-not', {
        type: 'string',
        requiresArg: true,
        describe: 'Follow this item through the steps on the features of now; writes nothing',
      })
      .option('draws', {
        type: 'number',
        default: 100,
        requiresArg: true,
        describe: 'Walks per item of the sampled contributions',
      })
      .conflicts('item', 'why-not')
      .example('$0 explain u17', 'sources, reasons and contributions of each item')
      .example('$0 explain u17 --why-not i42', 'the stage at which i42 was left out') as never,
  handler: async (given) => {
    const config = configOf(given)
    const flags = { ...given, surface: given.surface ?? config.recommendations.surface }
    if (!Number.isInteger(flags.draws) || flags.draws < 2 || flags.draws > 10_000)
      throw new MillraceError('MILL_USAGE', `--draws ${flags.draws}: a whole number from 2 to 10000`)
    await withPorts(config, async (ports) => {
      const { featureReader } = await import('../open-job.ts')
      const { readStoredList } = await import('../explain-list.ts')
      const features = await featureReader(ports.state, config.partitions)(flags.user)
      const stored = await readStoredList(ports.lists, flags.user, flags.surface)
      if (!features && !stored)
        throw new MillraceError(
          'MILL_NOT_FOUND',
          `nothing is known of ${flags.user}: no features, and no list on ${flags.surface}`,
        )
      if (flags.whyNot !== undefined) await explainAbsence(config, ports, flags, features, stored)
      else await explainStored(config, ports, flags, features, stored)
    })
  },
}

async function explainStored(
  config: Config,
  ports: OpenPorts,
  flags: ExplainFlags,
  features: UserFeatures | null,
  stored: StoredList | null,
): Promise<void> {
  if (!stored) throw new MillraceError('MILL_NOT_FOUND', `there is no list for ${flags.user} on ${flags.surface}`)
  const { explainList } = await import('../explain-list.ts')
  const { tellList } = await import('../explain-text.ts')
  const { patientScorer } = await import('../list-workbench.ts')
  const { rung, modelVersion } = stored.list
  const forestOf = await forestsOf(config, ports)
  // Only the model's own rung needs a model to be explained, and boosted trees are read rather than asked.
  const isAsked = rung === 'ranker' && (await forestOf(modelVersion)) === null
  const inference = isAsked ? await inferenceOf(config, ports) : null
  try {
    const scorer = inference ? patientScorer(inference, ports) : noScorer
    const options = { scorer, model, forestOf, draws: flags.draws, only: flags.item }
    const items = await explainList(stored, features, options)
    const { items: _, ...list } = stored.list
    if (flags.json) printJson({ ...list, reserve: stored.reserve.length, items })
    else tellList(list, items, stored.reserve.length, flags.item !== undefined)
  } finally {
    await inference?.close()
  }
}

async function explainAbsence(
  config: Config,
  ports: OpenPorts,
  flags: ExplainFlags,
  features: UserFeatures | null,
  stored: StoredList | null,
): Promise<void> {
  if (!features)
    throw new MillraceError('MILL_NOT_FOUND', `there are no features of ${flags.user}: a list cannot be made again without them`)
  const { openSequences } = await import('../compose.ts')
  const { ListWorkbench, patientScorer } = await import('../list-workbench.ts')
  const { whyNot } = await import('../why-not.ts')
  const { sinceWritten } = await import('../since-written.ts')
  const { tellAbsence } = await import('../explain-text.ts')
  const inference = await inferenceOf(config, ports)
  const bench = await ListWorkbench.open(
    config,
    ports,
    patientScorer(inference, ports),
    openSequences(config, inference, ports),
  ).catch(async (error: unknown) => {
    await inference.close()
    throw error
  })
  try {
    const itemId = flags.whyNot!
    const found = await whyNot(bench, features, itemId, {
      listId: stored?.list.listId ?? null,
      draws: flags.draws,
      forestOf: await forestsOf(config, ports),
    })
    const { items: _, ...rest } = found
    const answer = { userId: flags.user, surface: flags.surface, stored: stored && sinceWritten(stored, found), ...rest }
    if (flags.json) printJson(answer)
    else tellAbsence(answer)
    if (found.end === 'catalogue' && bench.ports.catalogue.catalogue.items.find(itemId) < 0)
      throw new MillraceError('MILL_NOT_FOUND', `nobody ever named an item ${itemId}`)
  } finally {
    await bench.close()
    await inference.close()
  }
}

async function forestsOf(config: Config, ports: OpenPorts): Promise<ForestOf> {
  const { openModelShelf } = await import('../compose.ts')
  const { forestsOn } = await import('../read-forest.ts')
  return forestsOn(openModelShelf(config, ports.clock, ports.logger), model)
}

async function inferenceOf(config: Config, ports: OpenPorts) {
  const { openInference } = await import('../compose.ts')
  return openInference(config, ports.clock, ports.logger)
}

const noScorer = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'this list was made without a model')),
}
