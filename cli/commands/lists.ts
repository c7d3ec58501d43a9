import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import { importedNameWords, isImportedName } from '../../schemas/imported-list.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import { decodeServed, type ServedList, type ServedReserve, wordReason } from '../../schemas/served-list.ts'
import { audit } from '../audit.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import type { ListImportReport } from '../import-lists.ts'
import { printJson, printTable } from '../print.ts'
import { wholeNumber } from '../whole-number.ts'
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

interface ImportFlags extends GlobalFlags {
  readonly file: string | undefined
  readonly as: string
  readonly surface: string | undefined
  readonly days: number
  readonly remove: boolean
}

const importOthers: CommandModule<object, ImportFlags> = {
  command: 'import [file]',
  describe: "Another vendor's lists, for an experiment to show. Exit 1 if a line was refused",
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'JSON Lines: {"userId": "u1", "items": ["i1", "i2"]} (docs/learning.md)' })
      .option('as', { type: 'string', demandOption: true, requiresArg: true, describe: 'Name; lists of that name are replaced' })
      .option('surface', {
        type: 'string',
        requiresArg: true,
        describe: 'Where they are shown; recommendations.surface if absent',
      })
      .option('days', {
        default: 30,
        coerce: wholeNumber('days', { min: 1, max: 3650 }),
        requiresArg: true,
        describe: 'How long they are shown',
      })
      .option('remove', { type: 'boolean', default: false, describe: 'Take the lists of that name away' })
      .example('$0 lists import acme.jsonl --as acme', 'then {"policy": "imported:acme"} in a variant') as never,
  handler: async ({ file, as: name, days, remove, ...flags }) => {
    const config = configOf(flags)
    const surface = flags.surface ?? config.recommendations.surface
    if (!isImportedName(name)) throw new MillraceError('MILL_USAGE', `--as ${name}: ${importedNameWords}`)
    if (!/^[a-z0-9_-]{1,32}$/.test(surface))
      throw new MillraceError('MILL_USAGE', `--surface ${surface}: write 1–32 small letters, digits, dashes or underscores`)
    if (remove === (file !== undefined)) throw new MillraceError('MILL_USAGE', 'name a file to import, or --remove without one')
    const { importLists, removeImport } = await import('../import-lists.ts')
    await withPorts(config, async (ports) => {
      if (file === undefined) {
        const lists = await removeImport(ports, { name, surface })
        audit(config, 'lists remove', { name, surface, lists })
        if (flags.json) printJson({ removed: name, lists })
        else console.log(`${name} is gone, with the lists of ${lists} people`)
        return
      }
      const report = await importLists(ports, file, { name, surface, days })
      audit(config, 'lists import', { name, surface, lists: report.lists, refused: report.refusedLines })
      if (report.refusedLines > 0) process.exitCode = exitCodes.no
      if (flags.json) printJson(report)
      else tellImport(report)
    })
  },
}

function tellImport({ name, surface, lists, forAll, expiresMs, ...report }: ListImportReport): void {
  const { namedItems, unknownItems, refusedLines, refused } = report
  const all = forAll ? ', and one for everybody else' : ''
  console.log(`${lists} lists of persons${all}, imported as ${name} for ${surface}, until ${new Date(expiresMs).toISOString()}`)
  if (unknownItems > 0)
    console.log(
      `${unknownItems} of ${namedItems} places name an item that the catalogue does not know: nobody will be shown these`,
    )
  if (refusedLines === 0) return
  console.log(`${refusedLines} lines were refused: mend them and import the whole file again`)
  for (const { file, line, reason } of refused) console.log(`  ${file}:${line}: ${reason}`)
}

/** `millrace lists get | import`. */
export const listsCommand: CommandModule = {
  command: 'lists',
  describe: "Look at served lists; import another vendor's",
  builder: (yargs) => yargs.command(get).command(importOthers).demandCommand(1, 'name what to do: get or import'),
  handler: () => {},
}
