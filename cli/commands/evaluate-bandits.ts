import type { CommandModule } from 'yargs'
import type { EvaluateBanditsFlags } from '../evaluation/run-bandit-race.ts'
import { wholeNumber } from '../whole-number.ts'

/** `millrace evaluate bandits`. */
export const evaluateBanditsCommand: CommandModule<object, EvaluateBanditsFlags> = {
  command: 'bandits',
  describe: 'Race bandit policies in a synthetic shop: regret with intervals over seeds',
  builder: (yargs) =>
    yargs
      .option('policies', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe:
          'Names, comma-separated (a wrong one is answered with the list); name:label gives a label of its own. Regret is compared with the first of the same policy, else with the first of all',
      })
      .option('setting', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'e.g. --setting lin-ucb.alpha=.3; half-life is a setting of each, too',
      })
      .option('decisions', number('decisions', 100_000, 50, 10_000_000, 'Decisions of one run'))
      .option('arms', number('arms', 8, 2, 100, 'Arms'))
      .option('features', number('features', 5, 1, 50, 'Numbers of a context, the first always 1; 1 = people do not differ'))
      .option('seeds', number('seeds', 5, 2, 1_000, 'Worlds, each with people, luck and delays of its own'))
      .option('delay', number('delay', 0, 0, 1_000_000, 'Mean decisions until a reward is known'))
      .option('update', {
        choices: ['hold', 'provisional'] as const,
        default: 'hold',
        describe: 'hold: learn once the reward is known. provisional: assume none at once, correct later',
      })
      .option(
        'half-life',
        number('half-life', 0, 0, 100_000_000, 'Decisions after which what was learned counts half; 0 = it stays'),
      )
      .option('epsilon', { type: 'number', default: 0, describe: 'Share of decisions spread evenly, 0 to 1' })
      .option('drift', number('drift', 100, 0, 100, 'Per cent of the decisions after which tastes are drawn anew; 100 = never'))
      .option('remove', number('remove', 100, 0, 100, 'Per cent after which the best arm is taken away; 100 = never'))
      .option('plot', { type: 'string', requiresArg: true, describe: 'Write the regret curves as SVG' })
      .example('$0 evaluate bandits --policies lin-ucb,beta-thompson --plot regret.svg', 'with and without the context') as never,
  handler: async (flags) => {
    const { runBanditRace } = await import('../evaluation/run-bandit-race.ts')
    await runBanditRace(flags)
  },
}

function number(name: string, value: number, min: number, max: number, describe: string) {
  return { coerce: wholeNumber(name, { min, max }), default: value, requiresArg: true, describe } as const
}
