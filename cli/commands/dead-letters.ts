import type { Argv, CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { audit } from '../audit.ts'
import { type DeadLetterFilter, matches, readDeadLetters, replayDeadLetters, withSiblings } from '../dead-letter-log.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { wholeNumber } from '../whole-number.ts'
import { withPorts } from '../with-ports.ts'

interface LsFlags extends GlobalFlags, DeadLetterFilter {
  readonly limit: number
}

const ls: CommandModule<object, LsFlags> = {
  command: 'ls',
  describe: 'Records that could not be processed, newest last',
  builder: (yargs) =>
    filtered(yargs).option('limit', {
      default: 50,
      coerce: wholeNumber('limit', { min: 1, max: 1_000_000 }),
      describe: 'Most lines',
    }) as never,
  handler: (flags) =>
    withPorts(configOf(flags), async (ports) => {
      const letters = await readDeadLetters(ports, flags)
      const shown = letters.slice(-flags.limit)
      if (flags.json) printJson({ total: letters.length, deadLetters: shown })
      else {
        printTable(
          ['id', 'code', 'replays', 'reason'],
          shown.map((letter) => [letter.id, letter.code, letter.replays, letter.reason]),
          'no dead letters',
        )
        if (letters.length > shown.length) console.log(`${letters.length - shown.length} older ones are not shown; see --limit`)
      }
    }),
}

const show: CommandModule<object, GlobalFlags & { readonly id: string }> = {
  command: 'show <id>',
  describe: 'One dead letter whole. Exit 1 if there is none of that id',
  builder: (yargs) => yargs.positional('id', { type: 'string', demandOption: true, describe: 'As ls prints it' }) as never,
  handler: (flags) =>
    withPorts(configOf(flags), async (ports) => {
      const letter = (await readDeadLetters(ports, {})).find(({ id }) => id === flags.id)
      if (letter) printJson(letter)
      else {
        process.exitCode = exitCodes.no
        if (flags.json) printJson(null)
        else console.log(`there is no dead letter ${flags.id}`)
      }
    }),
}

interface ReplayFlags extends GlobalFlags, DeadLetterFilter {
  readonly ids: readonly string[] | undefined
  readonly all: boolean
  readonly again: boolean
}

const replay: CommandModule<object, ReplayFlags> = {
  command: 'replay [ids..]',
  describe: 'Send dead letters to their topic again, once each: after a fix',
  builder: (yargs) =>
    filtered(yargs)
      .positional('ids', { type: 'string', array: true, describe: 'As ls prints them' })
      .option('all', { type: 'boolean', default: false, describe: 'All that match the filters' })
      .option('again', { type: 'boolean', default: false, describe: 'Also those that were replayed before' }) as never,
  handler: async (flags) => {
    const ids = new Set(flags.ids ?? [])
    if (ids.size === 0 && !flags.all)
      throw new MillraceError('MILL_USAGE', 'name dead letters by id, or take all that match with --all')
    const config = configOf(flags)
    await withPorts(config, async (ports) => {
      const all = await readDeadLetters(ports, {})
      const found = all.filter((letter) => matches(letter, flags) && (ids.size === 0 || ids.has(letter.id)))
      const missing = [...ids].filter((id) => !found.some((letter) => letter.id === id))
      if (missing.length > 0) throw new MillraceError('MILL_NOT_FOUND', `there is no dead letter ${missing.join(', ')}`)
      const due = flags.again ? found : found.filter((letter: DeadLetter) => letter.replays === 0)
      await replayDeadLetters(ports, withSiblings(due, all))
      if (due.length > 0) audit(config, 'dead-letters replay', { ids: due.map(({ id }) => id) })
      const before = found.length - due.length
      if (flags.json) printJson({ replayed: due.length, replayedBefore: before })
      else console.log(`${due.length} replayed${before > 0 ? `, ${before} were replayed before (--again to insist)` : ''}`)
    })
  },
}

function filtered(yargs: Argv): Argv {
  return yargs
    .option('topology', { type: 'string', requiresArg: true, describe: 'Only of this topology' })
    .option('code', { type: 'string', requiresArg: true, describe: 'Only with this error code' })
}

/** `millrace dead-letters ls | show | replay`. */
export const deadLettersCommand: CommandModule = {
  command: 'dead-letters',
  describe: 'Look at records that could not be processed, and replay them',
  builder: (yargs) => yargs.command(ls).command(show).command(replay).demandCommand(1, 'name what to do: ls, show or replay'),
  handler: () => {},
}
