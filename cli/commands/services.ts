import type { Argv, CommandModule } from 'yargs'
import { exitCodes } from '../exit-codes.ts'
import type { GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { type ServiceKind, serviceKinds } from '../services/service.ts'
import type { ServicesReport } from '../services/services-up.ts'

interface ServiceFlags extends GlobalFlags {
  readonly kinds: readonly ServiceKind[] | undefined
  readonly dir: string | undefined
}

interface UpFlags extends ServiceFlags {
  readonly engine: 'auto' | 'native' | 'compose'
}

const up: CommandModule<object, UpFlags> = {
  command: 'up [kinds..]',
  describe: 'Bring up Kafka, the schema registry, Redis and an inference worker, as config/distributed.json expects them',
  builder: (yargs) =>
    chosen(yargs).option('engine', {
      choices: ['auto', 'native', 'compose'] as const,
      default: 'auto',
      describe: 'Containers where an engine answers (auto), or one of both ways',
    }) as never,
  handler: async (flags) => {
    const { servicesUp } = await import('../services/services-up.ts')
    tell(
      await servicesUp({ ...optionsOf(flags), engine: flags.engine, log: (line) => process.stderr.write(`${line}\n`) }),
      flags.json,
    )
  },
}

const down: CommandModule<object, ServiceFlags> = {
  command: 'down [kinds..]',
  describe: 'Stop exactly what up started',
  builder: (yargs) => chosen(yargs) as never,
  handler: async (flags) => {
    const { servicesDown } = await import('../services/services-up.ts')
    const stopped = await servicesDown({ ...optionsOf(flags), log: (line) => process.stderr.write(`${line}\n`) })
    if (flags.json) printJson({ stopped })
    else if (stopped.length === 0) console.log('nothing ran')
  },
}

const status: CommandModule<object, ServiceFlags> = {
  command: 'status',
  describe: 'What up left running, and whether it answers. Exit 1 if something does not, or nothing runs',
  builder: (yargs) => folder(yargs) as never,
  handler: async (flags) => {
    const { servicesStatus } = await import('../services/services-up.ts')
    const report = await servicesStatus(optionsOf(flags))
    if (report.services.length === 0 || report.services.some((service) => !service.answers)) process.exitCode = exitCodes.no
    tell(report, flags.json)
  },
}

function chosen(yargs: Argv): Argv {
  return folder(yargs).positional('kinds', {
    choices: serviceKinds,
    array: true,
    describe: 'Which; the usual four if none is named',
  })
}

function folder(yargs: Argv): Argv {
  return yargs.option('dir', {
    type: 'string',
    requiresArg: true,
    describe: 'Data, logs and what runs; .millrace/services by default',
  })
}

function optionsOf(flags: ServiceFlags) {
  return {
    ...(flags.kinds && flags.kinds.length > 0 ? { kinds: flags.kinds } : {}),
    ...(flags.dir === undefined ? {} : { dir: flags.dir }),
  }
}

function tell({ engine, services }: ServicesReport, json: boolean): void {
  if (json) printJson({ engine, services })
  else
    printTable(
      ['service', 'address', 'state', 'processes'],
      services.map((service) => [
        service.kind,
        service.address,
        service.answers ? 'answers' : service.running ? 'runs, does not answer' : 'is down',
        service.pids.join(' '),
      ]),
      'no services run',
    )
}

/** `millrace services up | down | status`. */
export const servicesCommand: CommandModule = {
  command: 'services',
  describe: 'Bring the real services up and down',
  builder: (yargs) => yargs.command(up).command(down).command(status).demandCommand(1, 'name what to do: up, down or status'),
  handler: () => {},
}
