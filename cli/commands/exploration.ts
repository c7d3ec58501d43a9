import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import { audit } from '../audit.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { GuardError } from '../guard-error.ts'
import { printJson, printTable } from '../print.ts'
import { withPorts } from '../with-ports.ts'

const topic = 'exploration-stops'

interface SurfaceFlags extends GlobalFlags {
  readonly surface: string | undefined
}

const surfaceOption = {
  type: 'string',
  describe: 'Whose lists; those of the configuration (recommendations.surface) if absent',
} as const

/** The configuration with the surface that was named, checked as its own is. */
function configOfSurface(flags: SurfaceFlags) {
  const config = configOf(flags, { 'recommendations.surface': flags.surface })
  return { config, surface: config.recommendations.surface }
}

const off: CommandModule<object, SurfaceFlags & { readonly reason: string | undefined }> = {
  command: 'off [surface]',
  describe: 'Lists of a surface stop exploring while engines run: from the next list on, and until `on`',
  builder: (yargs) =>
    yargs
      .positional('surface', surfaceOption)
      .option('reason', { type: 'string', requiresArg: true, describe: 'Why; needed' })
      .example('$0 exploration off --reason "sale day"', 'nothing is tried out on anybody') as never,
  handler: async (flags) => {
    const { config, surface } = configOfSurface(flags)
    const { reason } = flags
    if (!reason) throw new GuardError('off needs --reason "why": ls shows it to whoever wonders')
    const { sendDefinitions } = await import('../definition-log.ts')
    const { Engine } = await import('../../runtime/engine.ts')
    await withPorts(config, async (ports) => {
      await Engine.ensureTopics(ports.log, config.partitions)
      await sendDefinitions(ports, topic, [{ id: surface, reason, sinceMs: ports.clock.nowMs() }])
    })
    audit(config, 'exploration off', { surface, reason })
    if (flags.json) printJson({ surface, explores: false })
    else console.log(`lists of ${surface} do not explore any more`)
  },
}

const on: CommandModule<object, SurfaceFlags> = {
  command: 'on [surface]',
  describe: 'Lists of a surface explore again. Exit 1 if it was not turned off',
  builder: (yargs) => yargs.positional('surface', surfaceOption) as never,
  handler: async (flags) => {
    const { config, surface } = configOfSurface(flags)
    const { readDefinitions, sendDefinitions } = await import('../definition-log.ts')
    await withPorts(config, async (ports) => {
      const stopped = (await readDefinitions(ports, topic)).map(({ key }) => key)
      if (!stopped.includes(surface))
        throw new MillraceError('MILL_NOT_FOUND', `exploration is not off on ${surface}, but on: ${stopped.join(', ') || 'none'}`)
      await sendDefinitions(ports, topic, [], [surface])
    })
    audit(config, 'exploration on', { surface })
    if (flags.json) printJson({ surface, explores: true })
    else console.log(`lists of ${surface} explore again`)
  },
}

const ls: CommandModule<object, GlobalFlags> = {
  command: 'ls',
  describe: 'Surfaces whose exploration was turned off, since when and why',
  handler: async (flags) => {
    const { readDefinitions } = await import('../definition-log.ts')
    const stops = await withPorts(configOf(flags), (ports) => readDefinitions(ports, topic))
    if (flags.json) printJson(stops.map(({ value: { id, reason, sinceMs } }) => ({ surface: id, reason, sinceMs })))
    else
      printTable(
        ['surface', 'off since', 'why'],
        stops.map(({ value }) => [value.id, new Date(value.sinceMs).toISOString(), value.reason]),
        'exploration is off nowhere',
      )
  },
}

/** `millrace exploration off | on | ls`. */
export const explorationCommand: CommandModule = {
  command: 'exploration',
  describe: 'Turn what bandits try out off and on while engines run',
  builder: (yargs) => yargs.command(off).command(on).command(ls).demandCommand(1, 'name what to do: off, on or ls'),
  handler: () => {},
}
