import type { CommandModule } from 'yargs'
import { AdminClient } from './admin-client.ts'
import { configOf, type GlobalFlags } from './global-flags.ts'
import { printJson } from './print.ts'

interface ActFlags extends GlobalFlags {
  readonly topology: string
  readonly address: string | undefined
}

/** A command that asks a running engine to do something with one topology. */
export function actCommand(action: 'pause' | 'resume' | 'drain', describe: string): CommandModule<object, ActFlags> {
  return {
    command: `${action} <topology>`,
    describe,
    builder: (yargs) =>
      yargs
        .positional('topology', { type: 'string', demandOption: true, describe: 'Its name' })
        .option('address', { type: 'string', requiresArg: true, describe: 'host:port of the admin side' }) as never,
    handler: async (flags) => {
      const status = await new AdminClient(configOf(flags), flags.address).act(flags.topology, action)
      if (flags.json) printJson(status)
      else console.log(`${status.name} is ${status.state}`)
    },
  }
}
