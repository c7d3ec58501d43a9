import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { FeatureAudit } from '../audit-features.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { withPorts } from '../with-ports.ts'

interface AuditFlags extends GlobalFlags {
  readonly limit: number
  readonly lagMs: number
}

/** `millrace models audit`: are the vectors that were logged with decisions those that the log gives again? */
export const modelsAuditCommand: CommandModule<object, AuditFlags> = {
  command: 'audit',
  describe:
    'Compute the feature vectors logged with decisions again from the log. Exit 1 on a mismatch, or with nothing to compare',
  builder: (yargs) =>
    yargs
      .option('limit', { type: 'number', default: 1000, requiresArg: true, describe: 'Newest decisions with vectors looked at' })
      .option('lag-ms', {
        type: 'number',
        default: 10_000,
        requiresArg: true,
        describe: 'How far the catalogue of a process may lie behind the log',
      }) as never,
  handler: async (flags) => {
    for (const [name, value] of [
      ['limit', flags.limit],
      ['lag-ms', flags.lagMs],
    ] as const)
      if (!Number.isInteger(value) || value < 1) throw new MillraceError('MILL_USAGE', `--${name} must be a whole number above 0`)
    const { auditFeatures, givenColumns } = await import('../audit-features.ts')
    const audit = await withPorts(configOf(flags), (ports) =>
      auditFeatures(ports, { decisionsMax: flags.limit, lagMsMax: flags.lagMs }),
    )
    if (audit.mismatches > 0 || audit.contexts + audit.rows === 0) process.exitCode = exitCodes.no
    if (flags.json) printJson({ ...audit, given: givenColumns })
    else tell(audit, givenColumns)
  },
}

function tell(audit: FeatureAudit, given: readonly string[]): void {
  console.log(
    `${audit.decisions} decisions in the log; ${audit.audited} recomputed: ${audit.contexts} contexts, ${audit.rows} item rows`,
  )
  console.log(`${audit.gone} decisions could not be: the log has dropped the feature update they were made from`)
  if (audit.partly + audit.personOnly > 0)
    console.log(
      `compacted item versions: ${audit.partly} rows without popularity, trend, purchase rate and stock, ${audit.personOnly} with the person's columns only`,
    )
  console.log(`taken as logged: ${given.join(', ')}`)
  if (audit.behind > 0)
    console.log(
      `${audit.behind} rows were made from an item version already replaced in the log, by ${audit.behindMsMax} ms at most`,
    )
  const rows = audit.examples
    .slice(0, 20)
    .map(({ listId, userId, itemId, column, logged, recomputed }) => [listId, userId, itemId, column, logged, recomputed])
  printTable(['list', 'user', 'item', 'first column that differs', 'logged', 'recomputed'], rows, 'no vector differs')
  console.log(`${audit.mismatches} mismatches`)
}
