import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { Experiment } from '../../schemas/experiment.ts'
import { audit } from '../audit.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { withPorts } from '../with-ports.ts'

const create: CommandModule<object, GlobalFlags & { readonly file: string }> = {
  command: 'create <file>',
  describe: 'Start the experiment of a JSON file while engines run; the same id again changes what does not move people',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'One experiment (docs/learning.md)' })
      .example('$0 experiment create ranker.json', 'start it') as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const { readExperimentFile } = await import('../experiment-file.ts')
    const { readExperiments } = await import('../experiment-log.ts')
    const { sendDefinitions } = await import('../definition-log.ts')
    const { onlyExplores } = await import('../only-explores.ts')
    const { importedVariants, missingImport, wordImport } = await import('../imported-variants.ts')
    const { unusableVariant } = await import('../unusable-variant.ts')
    const { changeFault, overlapFault } = await import('../../schemas/experiment-fault.ts')
    const { Engine } = await import('../../runtime/engine.ts')
    const written = readExperimentFile(flags.file)
    const { id } = written
    await withPorts(config, async (ports) => {
      const { experiments, isSet, table } = await readExperiments(ports, config)
      const set = isSet ? experiments : []
      const before = set.find((other) => other.id === id)
      // A guardrail's stop holds for the revision that it stopped.
      const revision = Math.max(before?.revision ?? 0, table.stop(id)?.revision ?? 0) + 1
      const experiment = { ...written, revision }
      const imported = await importedVariants(ports, experiment, config)
      const fault =
        (before ? changeFault(before, experiment) : null) ??
        overlapFault(experiment, set) ??
        missingImport(imported) ??
        (await unusableVariant(config, experiment, ports))
      if (fault !== null) throw new MillraceError('MILL_EXPERIMENT_INVALID', `${flags.file}: ${fault}`)
      await Engine.ensureTopics(ports.log, config.partitions)
      await sendDefinitions(ports, 'experiments', [experiment])
      audit(config, 'experiment create', { id })
      if (flags.json) printJson(experiment)
      else console.log(`${id} ${before ? 'changed' : 'runs'}`)
      for (const one of imported) console.error(wordImport(one))
      if (onlyExplores(config.recommendations, experiment))
        console.error(
          'its variants differ only in who fills the exploration slot, which its results leave out: millrace evaluate policy judges that by the logged chances',
        )
      if (set.length === 0) console.error(`the configured experiment "${config.experiment.name}" assigns nobody from now on`)
    })
  },
}

const ls: CommandModule<object, GlobalFlags> = {
  command: 'ls',
  describe: 'The experiments, and which of them assign people',
  handler: async (flags) => {
    const { readExperiments } = await import('../experiment-log.ts')
    const config = configOf(flags)
    await withPorts(config, async (ports) => {
      const { experiments, table, results } = await readExperiments(ports, config)
      const rows = experiments.map((experiment) => {
        const own = results.get(experiment.id) ?? []
        const people = own.filter(({ metric }) => metric === own[0]!.metric).reduce((sum, one) => sum + one.people, 0)
        return {
          ...experiment,
          assigns: table.running.includes(experiment),
          fault: table.faults.get(experiment.id) ?? null,
          people,
        }
      })
      if (flags.json) printJson({ experiments: rows })
      else
        printTable(
          ['id', 'state', 'layer', 'variants', 'people', 'note'],
          rows.map((row) => [
            row.id,
            row.fault ?? row.state,
            `${row.layer} ${row.layerFrom}–${row.layerTo}`,
            row.variants.map(({ name, weight }) => `${name} ${weight}`).join(', '),
            row.people,
            row.note || null,
          ]),
          'there are no experiments',
        )
    })
  },
}

interface ShowFlags extends GlobalFlags {
  readonly id: string
  readonly plot: string | undefined
}

const show: CommandModule<object, ShowFlags> = {
  command: 'show <id>',
  describe: 'How an experiment stands: means, lifts, intervals, checks',
  builder: (yargs) =>
    yargs
      .positional('id', { type: 'string', demandOption: true, describe: 'As ls prints it' })
      .option('plot', { type: 'string', requiresArg: true, describe: 'Write the lifts with their intervals as SVG' }) as never,
  handler: async (flags) => {
    const { readExperiments } = await import('../experiment-log.ts')
    const { importedVariants } = await import('../imported-variants.ts')
    const { showExperiment } = await import('../show-experiment.ts')
    const config = configOf(flags)
    await withPorts(config, async (ports) => {
      const { experiments, table, results } = await readExperiments(ports, config)
      const experiment = known(experiments, flags.id)
      const stop = table.stop(flags.id)
      const standing = {
        experiment,
        fault: table.faults.get(flags.id) ?? null,
        stop: stop && stop.revision >= experiment.revision ? stop : null,
        imported: await importedVariants(ports, experiment, config),
        results: results.get(flags.id) ?? [],
      }
      await showExperiment(standing, flags)
    })
  },
}

const stop: CommandModule<object, GlobalFlags & { readonly id: string }> = {
  command: 'stop <id>',
  describe: 'Assign nobody to it any more; its results stay. Exit 1 if there is none of that id',
  builder: (yargs) => yargs.positional('id', { type: 'string', demandOption: true, describe: 'As ls prints it' }) as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const { readExperiments } = await import('../experiment-log.ts')
    const { sendDefinitions } = await import('../definition-log.ts')
    const { Engine } = await import('../../runtime/engine.ts')
    await withPorts(config, async (ports) => {
      // The configured one is written down as stopped: nothing else could tell a running engine.
      const experiment = known((await readExperiments(ports, config)).experiments, flags.id)
      await Engine.ensureTopics(ports.log, config.partitions)
      await sendDefinitions(ports, 'experiments', [{ ...experiment, state: 'stopped' }])
      audit(config, 'experiment stop', { id: flags.id })
      if (flags.json) printJson({ stopped: flags.id })
      else console.log(`${flags.id} stopped`)
    })
  },
}

function known(experiments: readonly Experiment[], id: string): Experiment {
  const experiment = experiments.find((other) => other.id === id)
  if (experiment) return experiment
  throw new MillraceError('MILL_NOT_FOUND', `there is no experiment ${id}; millrace experiment ls shows them`)
}

/** `millrace experiment create | ls | show | stop`. */
export const experimentCommand: CommandModule = {
  command: 'experiment',
  describe: 'Experiments: start, watch and stop comparisons of policies',
  builder: (yargs) =>
    yargs.command(create).command(ls).command(show).command(stop).demandCommand(1, 'name what to do: create, ls, show or stop'),
  handler: () => {},
}
