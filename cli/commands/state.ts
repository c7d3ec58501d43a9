import type { CommandModule } from 'yargs'
import { partitionFor } from '../../core/partition-for.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson } from '../print.ts'
import { topologyGraph } from '../topology-graph.ts'
import { withPorts } from '../with-ports.ts'

interface GetFlags extends GlobalFlags {
  readonly topology: string
  readonly key: string
}

const get: CommandModule<object, GetFlags> = {
  command: 'get <topology> <key>',
  describe: 'Everything a topology holds under a key. Exit 1 if nothing',
  builder: (yargs) =>
    yargs
      .positional('topology', { type: 'string', demandOption: true, describe: 'Its name' })
      .positional('key', { type: 'string', demandOption: true, describe: 'A user, item or other key' })
      .example('$0 state get user-features u17', 'what is known of one person') as never,
  handler: async (flags) => {
    const config = configOf(flags)
    await topologyGraph(flags.topology, config)
    const { readState, stateFamilies } = await import('../read-state.ts')
    const families = stateFamilies[flags.topology] ?? []
    await withPorts(config, async ({ state }) => {
      // The key's own partition first; keys of packed inputs may lie elsewhere.
      const own = partitionFor(flags.key, config.partitions)
      const others = (await state.tasks(flags.topology)).filter((partition) => partition !== own)
      for (const partition of [own, ...others]) {
        const task = { topology: flags.topology, partition }
        const values = await readState(state, task, families, flags.key)
        if (Object.keys(values).length === 0) continue
        const progress = await state.progress(task)
        printJson({ ...task, key: flags.key, epoch: progress?.epoch ?? 0, positions: progress?.positions ?? {}, state: values })
        return
      }
      process.exitCode = exitCodes.no
      if (flags.json) printJson(null)
      else console.log(`${flags.topology} holds nothing under ${flags.key}`)
    })
  },
}

/** `millrace state get`. */
export const stateCommand: CommandModule = {
  command: 'state',
  describe: 'Look at the state of a topology',
  builder: (yargs) => yargs.command(get).demandCommand(1, 'name what to do: get'),
  handler: () => {},
}
