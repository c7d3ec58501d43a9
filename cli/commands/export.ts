import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { TimeRange } from '../export-topic.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson } from '../print.ts'
import { withPorts } from '../with-ports.ts'

/** What can be exported, and the topic it lies in. */
export const exportTopics = {
  rewards: 'rewards',
  events: 'user-events',
  items: 'items',
  users: 'users',
  decisions: 'decisions',
  recommendations: 'recommendations',
} as const

interface ExportFlags extends GlobalFlags {
  readonly what: keyof typeof exportTopics
  readonly out: string
  readonly from: number | undefined
  readonly to: number | undefined
  readonly window: number | undefined
}

/** `millrace export <what> --out FILE`: what a trainer reads. */
export const exportCommand: CommandModule<object, ExportFlags> = {
  command: 'export <what>',
  describe: 'Write a topic as JSON lines, e.g. for training; bytes are base64, compacted topics give the newest per key',
  builder: (yargs) =>
    yargs
      .positional('what', { choices: Object.keys(exportTopics), demandOption: true, describe: 'What to write' })
      .options({
        out: { type: 'string', demandOption: true, requiresArg: true, describe: 'The file' },
        from: {
          type: 'string',
          requiresArg: true,
          coerce: instantOf('from'),
          describe: 'Event times from then on: 2026-11-21T06:00Z',
        },
        to: { type: 'string', requiresArg: true, coerce: instantOf('to'), describe: 'Event times before then' },
        window: {
          type: 'string',
          requiresArg: true,
          coerce: windowMsOf,
          conflicts: ['from', 'to'],
          describe: 'The newest part by event time, up to now: 90m, 24h, 7d',
        },
      })
      .example('$0 export rewards --window 24h --out rewards.jsonl', 'what a nightly training learns from') as never,
  handler: async (flags) => {
    const { exportTopic } = await import('../export-topic.ts')
    const { systemClock } = await import('../../core/clock.ts')
    const range = rangeOf(flags, systemClock.nowMs())
    await withPorts(configOf(flags), async (ports) => {
      const result = await exportTopic(ports, exportTopics[flags.what], flags.out, range)
      if (flags.json) printJson({ ...result, out: flags.out })
      else
        console.log(
          `${result.records} records written to ${flags.out}${result.undecodable > 0 ? `, ${result.undecodable} undecodable ones left out` : ''}`,
        )
    })
  },
}

function rangeOf({ from, to, window }: ExportFlags, nowMs: number): TimeRange | undefined {
  if (window !== undefined) return { fromMs: nowMs - window, toMs: Number.POSITIVE_INFINITY }
  if (from === undefined && to === undefined) return undefined
  const range = { fromMs: from ?? 0, toMs: to ?? Number.POSITIVE_INFINITY }
  if (range.fromMs >= range.toMs) throw new MillraceError('MILL_USAGE', '--from must lie before --to')
  return range
}

/** A `coerce` of yargs for a moment. Errors: `MILL_USAGE` naming the flag. */
function instantOf(flag: string): (text: string | undefined) => number | undefined {
  return (text) => {
    if (text === undefined) return undefined
    const ms = Date.parse(text)
    if (Number.isNaN(ms))
      throw new MillraceError('MILL_USAGE', `--${flag} is ${text}; it must be a time such as 2026-11-21T06:00Z`)
    return ms
  }
}

const unitsMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** The same words as the training programs' --window. */
function windowMsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? []
  if (!count)
    throw new MillraceError('MILL_USAGE', `--window is ${text}; it must be minutes, hours or days, such as 90m, 24h or 7d`)
  return Number(count) * unitsMs[unit as keyof typeof unitsMs]
}
