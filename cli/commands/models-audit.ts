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
  readonly drafts: number
}

/** Records of the tables that are read into memory to draft lists again. */
const tableRecordsMax = 500_000

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
      })
      .option('drafts', {
        type: 'number',
        default: 200,
        requiresArg: true,
        describe: 'Newest decisions whose lists are drafted again, for what follows from the tables of all items',
      }) as never,
  handler: async (flags) => {
    for (const [name, value] of [
      ['limit', flags.limit],
      ['lag-ms', flags.lagMs],
      ['drafts', flags.drafts],
    ] as const)
      if (!Number.isInteger(value) || value < 1) throw new MillraceError('MILL_USAGE', `--${name} must be a whole number above 0`)
    const { auditColumns } = await import('../audit-columns.ts')
    const { auditFeatures } = await import('../audit-features.ts')
    const config = configOf(flags)
    const options = { decisionsMax: flags.limit, lagMsMax: flags.lagMs, draftsMax: flags.drafts, tableRecordsMax }
    const audit = await withPorts(config, (ports) => auditFeatures(ports, config, options))
    if (audit.mismatches > 0 || audit.contexts + audit.rows === 0) process.exitCode = exitCodes.no
    if (flags.json) printJson({ ...audit, given: auditColumns.givenNames })
    else tell(audit, auditColumns.givenNames)
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
  const widths = Object.entries(audit.widths).map(([width, rows]) => `${rows} of ${width} columns`)
  if (widths.length > 0) console.log(`rows: ${widths.join(', ')}`)
  console.log(`taken as logged: ${given.join(', ')}`)
  tellTables(audit)
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

function tellTables({ tables, rows }: FeatureAudit): void {
  if (tables === null) {
    if (rows > 0) console.log('what follows from all items was not recomputed: the tables are too large to be read at once')
    return
  }
  const { whole, same, moved, unordered, unorderedColumns } = tables
  console.log(
    `lists drafted again: of ${tables.rows} rows ${same} follow from the tables exactly, ${moved} from tables that moved meanwhile`,
  )
  if (unordered === 0) return
  const columns = Object.entries(unorderedColumns).map(([name, count]) => `${name} ${count}`)
  const why = whole ? 'the order of reading several topics decides' : 'the log has dropped what the tables held'
  console.log(`${unordered} differ where ${why}: ${columns.join(', ')}`)
}
