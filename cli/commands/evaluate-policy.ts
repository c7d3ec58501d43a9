import type { CommandModule } from 'yargs'
import type { EvaluatePolicyFlags } from '../evaluation/run-policy-evaluation.ts'
import { wholeNumber } from '../whole-number.ts'

/** `millrace evaluate policy`. */
export const evaluatePolicyCommand: CommandModule<object, EvaluatePolicyFlags> = {
  command: 'policy',
  describe: 'Estimate what a policy would have brought, from the log of another one',
  builder: (yargs) =>
    yargs
      .option('log', { type: 'string', demandOption: true, requiresArg: true, describe: 'File or folder' })
      .option('log-format', {
        choices: ['rewards', 'open-bandit', 'news-replay'],
        default: 'rewards',
        describe: 'rewards: JSON lines of `millrace export rewards`, of which the slots that a policy explored are read',
      })
      .option('policy', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'uniform, always:ARM, beta-thompson with --prior, or a bandit policy that learns the first --train per cent',
      })
      .option('over', {
        choices: ['source', 'item', 'slate', 'ranker'],
        describe: 'Of a log with choices of several kinds, only those over this',
      })
      .option('setting', { type: 'string', array: true, requiresArg: true, describe: 'A setting of the policy, e.g. alpha=.25' })
      .option('prior', { type: 'string', requiresArg: true, describe: 'JSON file {"arm": [alpha, beta], …} of beta-thompson' })
      .option('truth', {
        type: 'string',
        requiresArg: true,
        describe: 'Log of the judged policy itself, to hold the estimates against',
      })
      .option('train', {
        coerce: wholeNumber('train', { min: 1, max: 99 }),
        default: 50,
        requiresArg: true,
        describe: 'Per cent of the rows that a learning policy learns from; the rest is judged',
      })
      .option('limit', { type: 'number', default: 100, describe: 'Largest weight of clipped IPS and Switch-DR' })
      .option('shrinkage', { type: 'number', default: 100, describe: 'λ of DRos' })
      .option('folds', {
        coerce: wholeNumber('folds', { min: 2, max: 100 }),
        default: 5,
        requiresArg: true,
        describe: 'Folds of the reward model',
      })
      .option('seed', {
        coerce: wholeNumber('seed', { min: 0, max: 1_000_000_000 }),
        default: 1,
        requiresArg: true,
        describe: 'Of chance',
      })
      .example('$0 evaluate policy --log rewards.jsonl --policy uniform', 'what showing arms evenly would have brought') as never,
  handler: async (flags) => {
    const { runPolicyEvaluation } = await import('../evaluation/run-policy-evaluation.ts')
    await runPolicyEvaluation(flags)
  },
}
