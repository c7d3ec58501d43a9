#!/usr/bin/env node
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { MillraceError } from '../core/errors.ts'
import { banditCommand } from './commands/bandit.ts'
import { deadLettersCommand } from './commands/dead-letters.ts'
import { doctorCommand } from './commands/doctor.ts'
import { drainCommand } from './commands/drain.ts'
import { evaluateCommand } from './commands/evaluate.ts'
import { experimentCommand } from './commands/experiment.ts'
import { explainCommand } from './commands/explain.ts'
import { explorationCommand } from './commands/exploration.ts'
import { exportCommand } from './commands/export.ts'
import { featuresCommand } from './commands/features.ts'
import { importCommand } from './commands/import.ts'
import { listsCommand } from './commands/lists.ts'
import { modelsCommand } from './commands/models.ts'
import { pauseCommand } from './commands/pause.ts'
import { repartitionCommand } from './commands/repartition.ts'
import { reportCommand } from './commands/report.ts'
import { resetCommand } from './commands/reset.ts'
import { resumeCommand } from './commands/resume.ts'
import { rulesCommand } from './commands/rules.ts'
import { servicesCommand } from './commands/services.ts'
import { simulateCommand } from './commands/simulate.ts'
import { startCommand } from './commands/start.ts'
import { stateCommand } from './commands/state.ts'
import { statusCommand } from './commands/status.ts'
import { topologiesCommand } from './commands/topologies.ts'
import { verifyCommand } from './commands/verify.ts'
import { reportFailure } from './report-failure.ts'

// One command per file in commands/; every exit code is decided in report-failure.ts. Handlers import what they need when they
// run, so that help and wrong flags are answered at once.
const args = hideBin(process.argv)
// `millrace ... | head`: whoever reads has had enough, which is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
try {
  await yargs(args)
    .scriptName('millrace')
    .usage(
      '$0 <command>\n\nA click changes the list that person sees, within a tenth of a second, exactly once, and anyone can ask why.',
    )
    .command(startCommand)
    .command(topologiesCommand)
    .command(statusCommand)
    .command(pauseCommand)
    .command(resumeCommand)
    .command(drainCommand)
    .command(resetCommand)
    .command(repartitionCommand)
    .command(stateCommand)
    .command(listsCommand)
    .command(rulesCommand)
    .command(experimentCommand)
    .command(banditCommand)
    .command(explorationCommand)
    .command(explainCommand)
    .command(featuresCommand)
    .command(reportCommand)
    .command(deadLettersCommand)
    .command(importCommand)
    .command(exportCommand)
    .command(verifyCommand)
    .command(evaluateCommand)
    .command(simulateCommand)
    .command(modelsCommand)
    .command(servicesCommand)
    .command(doctorCommand)
    .option('json', { type: 'boolean', default: false, global: true, describe: 'One JSON value on standard output' })
    .option('config', {
      type: 'string',
      global: true,
      requiresArg: true,
      describe: 'Configuration file, e.g. config/distributed.json',
    })
    .option('set', {
      type: 'string',
      array: true,
      global: true,
      requiresArg: true,
      describe: 'One field over the configuration, e.g. --set gateway.port=0',
    })
    .epilogue(
      'Exit codes: 0 ok, 1 the answer is no, 2 wrong usage or configuration, 3 unreachable, 4 refused by a guard, 70 a fault of ours.',
    )
    .completion('completion', 'Print a completion script for bash or zsh')
    .demandCommand(1, 'name a command; see millrace --help')
    .recommendCommands()
    .strict()
    .version(false)
    .alias('h', 'help')
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new MillraceError('MILL_USAGE', `${message}; --help says more`)
    })
    .parseAsync()
} catch (error) {
  reportFailure(error, args)
}
