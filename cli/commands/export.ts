import type { CommandModule } from 'yargs'
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
}

/** `millrace export <what> --out FILE`: what a trainer reads. */
export const exportCommand: CommandModule<object, ExportFlags> = {
  command: 'export <what>',
  describe: 'Write a topic as JSON lines, e.g. for training; bytes are base64, compacted topics give the newest per key',
  builder: (yargs) =>
    yargs
      .positional('what', { choices: Object.keys(exportTopics), demandOption: true, describe: 'What to write' })
      .option('out', { type: 'string', demandOption: true, requiresArg: true, describe: 'The file' }) as never,
  handler: async (flags) => {
    const { exportTopic } = await import('../export-topic.ts')
    await withPorts(configOf(flags), async (ports) => {
      const result = await exportTopic(ports, exportTopics[flags.what], flags.out)
      if (flags.json) printJson({ ...result, out: flags.out })
      else
        console.log(
          `${result.records} records written to ${flags.out}${result.undecodable > 0 ? `, ${result.undecodable} undecodable ones left out` : ''}`,
        )
    })
  },
}
