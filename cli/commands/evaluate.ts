import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { EvaluateFlags } from '../evaluation/run-evaluation.ts'
import { wholeNumber } from '../whole-number.ts'
import { evaluateBanditsCommand } from './evaluate-bandits.ts'
import { evaluatePolicyCommand } from './evaluate-policy.ts'
import { evaluateValueCommand } from './evaluate-value.ts'

/** `millrace evaluate`. */
export const evaluateCommand: CommandModule<object, EvaluateFlags> = {
  command: 'evaluate',
  describe: 'Judge algorithms on a data set: recommend, score, then learn',
  builder: (yargs) =>
    yargs
      .command(evaluatePolicyCommand)
      .command(evaluateBanditsCommand)
      .command(evaluateValueCommand)
      .option('data', { type: 'string', requiresArg: true, describe: 'File or folder' })
      .option('format', {
        type: 'string',
        requiresArg: true,
        describe: 'What the files are: sessions, movielens, globo, online-retail, taobao, s3rec, sequences or events',
      })
      .option('protocol', {
        type: 'string',
        requiresArg: true,
        describe: 'prequential, split, leave-last-out, k-fold or basket; the usual one of the format if absent',
      })
      .option('algorithms', {
        type: 'string',
        requiresArg: true,
        describe: 'Names, comma-separated (a wrong one is answered with the list); name:label gives a label of its own',
      })
      .option('repository', {
        type: 'string',
        requiresArg: true,
        describe: 'Model repository whose sequence models take part by their names (sasrec, ...)',
      })
      .option('setting', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'One setting of one algorithm, e.g. --setting stan.k=100',
      })
      .option('k', { type: 'string', requiresArg: true, describe: 'Lengths of list, comma-separated; the first is compared' })
      .option('part', { choices: ['valid', 'test'] as const, describe: 'Of split and leave-last-out: what is judged (test)' })
      .option('retrain', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'live, never or seconds; several are compared',
      })
      .option('folds', { coerce: wholeNumber('folds', { min: 2, max: 100 }), requiresArg: true, describe: 'Of k-fold (5)' })
      .option('warm', {
        coerce: wholeNumber('warm', { min: 0, max: 99 }),
        requiresArg: true,
        describe: 'Of prequential and basket: per cent of the events learned without being judged (0)',
      })
      .option('questions', {
        coerce: wholeNumber('questions', { min: 1, max: 1_000_000_000 }),
        requiresArg: true,
        describe: 'Ask no more than so many, drawn evenly by --seed (of k-fold: per fold); every event is still learned (all)',
      })
      .option('exclude', {
        choices: ['none', 'current', 'session', 'user'] as const,
        describe: 'What is not recommended again: the newest item, the visit, the user; by format if absent',
      })
      .option('plot', { type: 'string', requiresArg: true, describe: 'Write the curve over time as SVG' })
      .option('step', {
        coerce: wholeNumber('step', { min: 1, max: 100_000_000 }),
        requiresArg: true,
        describe: 'Width of a step of the curve, seconds (3600)',
      })
      .option('seed', {
        coerce: wholeNumber('seed', { min: 0, max: 1_000_000_000 }),
        requiresArg: true,
        describe: 'Of chance (1)',
      })
      .option('ties', {
        coerce: wholeNumber('ties', { min: 0, max: 1_000_000_000 }),
        requiresArg: true,
        describe: 'Items of equal scores stand in an order drawn from this number (by item id)',
      })
      .option('progress', { type: 'boolean', default: true, describe: 'Progress bar on a terminal' })
      .example('$0 evaluate --data serenade --format sessions --protocol split --algorithms vmis-knn,stan', 'two on one split')
      .example(
        '$0 evaluate --data globo --format globo --algorithms stan --retrain live --retrain 3600 --plot curve.svg',
        'live against hourly',
      ) as never,
  handler: async (flags) => {
    // Not demanded by yargs, which would demand them of `evaluate policy`, too.
    for (const name of ['data', 'format', 'algorithms'] as const)
      if (flags[name] === undefined) throw new MillraceError('MILL_USAGE', `evaluate needs --${name}`)
    if (flags.config !== undefined || flags.set !== undefined)
      throw new MillraceError('MILL_USAGE', '--config and --set mean nothing to evaluate: it runs without a stack')
    const { runEvaluation } = await import('../evaluation/run-evaluation.ts')
    await runEvaluation(flags)
  },
}
