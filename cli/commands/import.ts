import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson } from '../print.ts'
import { wholeNumber } from '../whole-number.ts'
import { withPorts } from '../with-ports.ts'

interface ImportFlags extends GlobalFlags {
  readonly format: string
  readonly path: string
  readonly speed: number | undefined
  readonly column: readonly string[] | undefined
  readonly order: 'time' | 'file' | undefined
  readonly anonymous: 'invoice' | 'skip' | undefined
  readonly limit: number | undefined
  readonly progress: boolean
}

/** The names are said again here so that help needs no reader to be loaded; a test holds them equal to the formats. */
export const importFormatNames = ['movielens', 'sessions', 'globo', 'online-retail', 'mapped'] as const

/** `millrace import <format> <path>`. */
export const importCommand: CommandModule<object, ImportFlags> = {
  command: 'import <format> <path>',
  describe: 'Feed a public data set as events, items and users',
  builder: (yargs) =>
    yargs
      .positional('format', { choices: importFormatNames, demandOption: true, describe: 'What the files are' })
      .positional('path', { type: 'string', demandOption: true, describe: 'File or folder' })
      .option('speed', {
        coerce: wholeNumber('speed', { min: 1, max: 1_000_000_000 }),
        requiresArg: true,
        describe: 'So many times as fast as it happened; as fast as possible if absent',
      })
      .option('column', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'Of mapped: field=column, field:=value, timeMs=column:s, type.spelling=type',
      })
      .option('order', {
        choices: ['time', 'file'] as const,
        describe: 'Of movielens, sessions and mapped: sort all rows by time first',
      })
      .option('anonymous', { choices: ['invoice', 'skip'] as const, describe: 'Of online-retail: lines without a customer' })
      .option('limit', {
        coerce: wholeNumber('limit', { min: 1, max: 1_000_000_000 }),
        requiresArg: true,
        describe: 'Stop after about so many events',
      })
      .option('progress', { type: 'boolean', default: true, describe: 'Progress bar on a terminal' })
      .example('$0 import globo ./globo --config config/distributed.json', 'one format, one stack')
      .example(
        '$0 import mapped shop.csv --column userId=visitor --column itemId=sku --column timeMs=ts:s --column type:=view',
        'any CSV or JSONL',
      ) as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const { importFormats } = await import('../../connectors/files/import-formats.ts')
    const format = importFormats.find(({ name }) => name === flags.format)
    if (!format)
      throw new MillraceError(
        'MILL_USAGE',
        `there is no format "${flags.format}"; there are ${importFormats.map(({ name }) => name).join(', ')}`,
      )
    const { ImportRun } = await import('../import-run.ts')
    const options = {
      ...(flags.column ? { columns: flags.column } : {}),
      ...(flags.order ? { order: flags.order } : {}),
      ...(flags.anonymous ? { anonymous: flags.anonymous } : {}),
    }
    const misplaced = Object.keys(options).find((name) => !format.options.includes(name as never))
    if (misplaced)
      throw new MillraceError(
        'MILL_USAGE',
        `--${misplaced === 'columns' ? 'column' : misplaced} means nothing to the format ${format.name}`,
      )
    await withPorts(config, async (ports) => {
      const run = new ImportRun(ports, config.partitions, {
        speed: flags.speed,
        eventsMax: flags.limit,
        bar: flags.progress && !flags.json && process.stderr.isTTY === true,
      })
      const result = await run.read(format, flags.path, options)
      if (result.stopped) process.exitCode = exitCodes.no
      if (flags.json) printJson(result)
      else {
        const { events, items, users, invalid, seconds, eventsPerSecond, skipped } = result
        console.log(
          `${events} events, ${items} items and ${users} users in ${seconds.toFixed(1)} s (${eventsPerSecond} events a second)`,
        )
        console.log(
          `${invalid} invalid rows${Object.entries(skipped)
            .map(([reason, count]) => `, ${count} left out (${reason})`)
            .join('')}`,
        )
        for (const row of result.invalidExamples) console.log(`  ${row.file}:${row.line} ${row.reason}`)
        if (result.stopped) console.log('stopped before the end')
      }
    })
  },
}
