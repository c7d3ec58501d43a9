import type { CommandModule } from 'yargs'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson } from '../print.ts'
import { wholeNumber } from '../whole-number.ts'

interface StartFlags extends GlobalFlags {
  readonly events: number | undefined
  readonly report: string | undefined
  readonly seed: string | undefined
  readonly view: boolean
  readonly simulate: boolean | undefined
  readonly fresh: boolean | undefined
}

/** `millrace start`: the main job, with the synthetic shop on the embedded stack. */
export const startCommand: CommandModule<object, StartFlags> = {
  command: 'start',
  describe: 'Run the main job: all topologies, the gateway and, on the embedded stack, the synthetic shop',
  builder: (yargs) =>
    yargs
      .option('events', {
        coerce: wholeNumber('events', { min: 1, max: 1_000_000_000 }),
        requiresArg: true,
        describe: 'Run so many events as fast as possible, then exit with a summary',
      })
      .option('report', { type: 'string', requiresArg: true, describe: 'Write the JSON report to this file at the end' })
      .option('seed', { type: 'string', requiresArg: true, describe: 'Seed of the synthetic shop' })
      .option('view', { type: 'boolean', default: true, describe: 'Live view; --no-view for logs and pipes' })
      .option('simulate', {
        type: 'boolean',
        describe: 'Feed the synthetic shop, whatever simulator.enabled says; --no-simulate waits for events from outside',
      })
      .option('fresh', {
        type: 'boolean',
        describe: 'Forget what the embedded file holds first; with --events that is the default, --no-fresh goes on from it',
      })
      .example('$0 start', 'the shop in real time, until Ctrl-C')
      .example('$0 start --events 20000 --report report.json', 'as fast as possible, then exit') as never,
  handler: async (flags) => {
    const config = configOf(flags, { 'simulator.seed': flags.seed })
    const { forgetEmbedded, startMainJob } = await import('../main-job.ts')
    if ((flags.fresh ?? flags.events !== undefined) && config.stack === 'embedded') forgetEmbedded(config.embedded.path)
    const report = await startMainJob(config, {
      simulate: flags.simulate ?? config.simulator.enabled,
      events: flags.events,
      report: flags.report,
      view: flags.view && !flags.json && process.stdout.isTTY === true,
    })
    if (flags.json) printJson(report)
    else console.log((await import('../run-report.ts')).wordReport(report))
  },
}
