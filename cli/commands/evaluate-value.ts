import type { CommandModule } from 'yargs'
import type { EvaluateValueFlags } from '../evaluation/run-value-evaluation.ts'
import { wholeNumber } from '../whole-number.ts'

/** `millrace evaluate value`. */
export const evaluateValueCommand: CommandModule<object, EvaluateValueFlags> = {
  command: 'value',
  describe: 'Customer segments, cohorts and predicted lifetime value, checked on held-back days',
  builder: (yargs) =>
    yargs
      .option('data', { type: 'string', demandOption: true, requiresArg: true, describe: 'File or folder' })
      .option('format', {
        choices: ['events', 'online-retail'] as const,
        default: 'events',
        describe: 'events: what `millrace export events` writes',
      })
      .option('held-back', {
        coerce: wholeNumber('held-back', { min: 1, max: 3650 }),
        default: 90,
        requiresArg: true,
        describe: 'Days at the end that the prediction is judged on',
      })
      .option('seed', {
        coerce: wholeNumber('seed', { min: 0, max: 1_000_000_000 }),
        default: 1,
        requiresArg: true,
        describe: 'Of chance',
      })
      .example('$0 evaluate value --data events.jsonl', 'what people will buy in the next 90 days, by those past') as never,
  handler: async (flags) => {
    const { runValueEvaluation } = await import('../evaluation/run-value-evaluation.ts')
    await runValueEvaluation(flags)
  },
}
