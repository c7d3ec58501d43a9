import type { CommandModule } from 'yargs'
import type { SimulateFlags } from '../simulation/run-simulation.ts'
import { wholeNumber } from '../whole-number.ts'

/** `millrace simulate`. */
export const simulateCommand: CommandModule<object, SimulateFlags> = {
  command: 'simulate',
  describe: 'Judge the served lists against single sources in the synthetic shop: an A/B test on a moved clock',
  builder: (yargs) =>
    yargs
      .option('arms', {
        type: 'string',
        requiresArg: true,
        describe:
          'Groups of people, comma-separated, the first held against the others: learned, linear, rival, explore, oracle, random or a candidate source; name:label gives a label of its own (learned, linear and every source)',
      })
      .option('seeds', { type: 'string', requiresArg: true, describe: 'One shop per seed, comma-separated (1)' })
      .option('events', {
        coerce: wholeNumber('events', { min: 1, max: 100_000_000 }),
        requiresArg: true,
        describe: 'Events counted per shop (40000)',
      })
      .option('warm', {
        coerce: wholeNumber('warm', { min: 0, max: 100_000_000 }),
        requiresArg: true,
        describe: 'Events before them that are not counted (20000)',
      })
      .option('rival', { type: 'string', requiresArg: true, describe: 'Model repository whose ranker makes the lists of rival' })
      .option('paired', {
        type: 'boolean',
        default: false,
        describe: 'Also let every arm make a list for everybody and compare what the shop expects of them: slower, much sharper',
      })
      .option('rows', {
        type: 'string',
        requiresArg: true,
        describe: 'Folder for the joined rewards, one SEED.jsonl per shop: what a ranker is trained from',
      })
      .option('threads', {
        coerce: wholeNumber('threads', { min: 1, max: 256 }),
        requiresArg: true,
        describe: 'Shops at once (1)',
      })
      .option('progress', { type: 'boolean', default: true, describe: 'On a terminal, a line per shop that is done' })
      .example('$0 simulate --seeds 1,2,3,4', 'learned lists against every source')
      .example('$0 simulate --arms learned,linear,explore --rows rows --seeds a,b', 'rows to train from') as never,
  handler: async (flags) => {
    const { runSimulation } = await import('../simulation/run-simulation.ts')
    await runSimulation(flags)
  },
}
