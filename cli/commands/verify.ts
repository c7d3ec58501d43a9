import type { CommandModule } from 'yargs'
import type { VerifyReport } from '../../runtime/verify.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { withPorts } from '../with-ports.ts'

interface VerifyFlags extends GlobalFlags {
  readonly topology: string | undefined
  readonly againstLog: boolean
}

/** `millrace verify --against-log`: exit 1 if a state key differs from the fold of the log, or nothing could be verified. */
export const verifyCommand: CommandModule<object, VerifyFlags> = {
  command: 'verify',
  describe: 'Fold the log again and compare the stored state key by key. Exit 1 on a difference',
  builder: (yargs) =>
    yargs
      .option('against-log', {
        type: 'boolean',
        default: true,
        describe: 'Compare with the fold of the log (the only way there is)',
      })
      .option('topology', { type: 'string', requiresArg: true, describe: 'Only this one' }) as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const { verifyState } = await import('../verify-state.ts')
    const reports = await withPorts(config, (ports) => verifyState(config, ports, flags.topology))
    const differences = reports.reduce((sum, report) => sum + report.differences.length, 0)
    const skipped = reports.filter((report) => report.skipped !== '')
    const keys = reports.reduce((sum, report) => sum + report.keys, 0)
    if (differences > 0 || skipped.length > 0 || reports.length === 0) process.exitCode = exitCodes.no
    if (flags.json)
      printJson({
        differences,
        keys,
        records: reports.reduce((sum, report) => sum + report.records, 0),
        skipped: skipped.length,
        tasks: reports,
      })
    else tell(reports, differences)
  },
}

function tell(reports: readonly VerifyReport[], differences: number): void {
  const rows = reports.map((report) => [
    report.topology,
    report.partition,
    report.records,
    report.keys,
    report.differences.length,
    report.skipped || 'verified',
  ])
  printTable(['topology', 'partition', 'records', 'keys', 'differences', 'result'], rows, 'nothing ever ran here')
  for (const { task, key, stored, folded } of reports.flatMap((report) => report.differences).slice(0, 20))
    console.log(`${task} ${key}: stored ${stored ?? 'nothing'}, folded ${folded ?? 'nothing'}`)
  console.log(`${differences} differences`)
}
