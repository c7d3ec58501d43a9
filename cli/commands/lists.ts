import type { CommandModule } from 'yargs'
import { listKeys } from '../../schemas/list-keys.ts'
import { decodeServed, type ServedList, type ServedReserve, wordReason } from '../../schemas/served-list.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { withPorts } from '../with-ports.ts'

interface GetFlags extends GlobalFlags {
  readonly user: string
  readonly surface: string | undefined
}

const get: CommandModule<object, GetFlags> = {
  command: 'get <user>',
  describe: "A person's list as front ends read it, with the reason of each item. Exit 1 if there is none",
  builder: (yargs) =>
    yargs.positional('user', { type: 'string', demandOption: true, describe: 'The person' }).option('surface', {
      type: 'string',
      requiresArg: true,
      describe: 'Where it is shown; recommendations.surface if absent',
    }) as never,
  handler: (flags) => {
    const config = configOf(flags)
    const surface = flags.surface ?? config.recommendations.surface
    return withPorts(config, async ({ lists }) => {
      const keys = [listKeys.recommendations(flags.user, surface), listKeys.reserve(flags.user, surface)]
      const [listText, reserveText] = await lists.get(keys)
      const list = decodeServed<ServedList>(listText ?? null)
      const reserve = decodeServed<ServedReserve>(reserveText ?? null)
      if (!list) process.exitCode = exitCodes.no
      if (flags.json) printJson(list && { ...list, reserve: reserve?.items ?? [] })
      else if (list) tell(list, reserve)
      else console.log(`there is no list for ${flags.user} on ${surface}`)
    })
  },
}

function tell(list: ServedList, reserve: ServedReserve | null): void {
  const model = list.modelVersion === '' ? '' : `, model ${list.modelVersion}`
  console.log(`${list.listId} by ${list.policy}, rung ${list.rung}${model}, made ${new Date(list.generatedMs).toISOString()}`)
  const rows = list.items.map((item, index) => [
    index,
    item.itemId,
    item.score.toFixed(4),
    item.sources.join(' '),
    wordReason(item.reason, (itemId) => itemId),
  ])
  printTable(['place', 'item', 'score', 'sources', 'because'], rows, 'it is empty')
  console.log(`${reserve?.items.length ?? 0} more in reserve`)
}

/** `millrace lists get`. */
export const listsCommand: CommandModule = {
  command: 'lists',
  describe: 'Look at served lists',
  builder: (yargs) => yargs.command(get).demandCommand(1, 'name what to do: get'),
  handler: () => {},
}
