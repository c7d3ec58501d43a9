import type { CommandModule } from 'yargs'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import type { ParityTable, ShareEstimate, UserGroupField } from '../parity-report.ts'
import { printJson, printTable } from '../print.ts'
import type { ItemGroupField } from '../shown-lists.ts'
import { wholeNumber } from '../whole-number.ts'
import { withPorts } from '../with-ports.ts'

interface ReportFlags extends GlobalFlags {
  readonly of: ItemGroupField
  readonly limit: number
  readonly hours: number
  readonly surface: string | undefined
}

/** Lines of a table for people; `--json` has all. */
const linesMax = 20

const shownFlags = {
  of: { choices: ['brand', 'category'], default: 'category', describe: 'What makes items one group' },
  limit: {
    default: 10_000,
    coerce: wholeNumber('limit', { min: 1, max: 1_000_000 }),
    requiresArg: true,
    describe: 'Newest shown lists that are looked at',
  },
  hours: {
    default: 24,
    coerce: wholeNumber('hours', { min: 1, max: 100_000 }),
    requiresArg: true,
    describe: 'How far back from the newest of them',
  },
  surface: { type: 'string', requiresArg: true, describe: 'Lists of this surface only' },
} as const

const parity: CommandModule<object, ReportFlags & { readonly by: UserGroupField }> = {
  command: 'parity',
  describe: 'Whether groups of people see other items, or click less: shares and rates with intervals over people',
  builder: (yargs) =>
    yargs
      .option('by', { choices: ['ageGroup', 'region', 'device'], default: 'ageGroup', describe: 'What makes people one group' })
      .options(shownFlags) as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const { readShownLists } = await import('../shown-lists.ts')
    const { parityReport } = await import('../parity-report.ts')
    const { featureReader } = await import('../open-job.ts')
    const report = await withPorts(config, async (ports) =>
      parityReport(ports, await readShownLists(ports, flags), flags.by, featureReader(ports.state, config.partitions)),
    )
    if (flags.json) printJson({ by: flags.by, of: flags.of, ...report })
    else tellParity(report, flags)
  },
}

const exposure: CommandModule<object, ReportFlags> = {
  command: 'exposure',
  describe: 'Which share of attention groups of items get, beside their share of the items in stock',
  builder: (yargs) => yargs.options(shownFlags) as never,
  handler: async (flags) => {
    const { readShownLists } = await import('../shown-lists.ts')
    const { exposureReport } = await import('../exposure-report.ts')
    const shown = await withPorts(configOf(flags), (ports) => readShownLists(ports, flags))
    const groups = exposureReport(shown)
    if (flags.json) printJson({ of: flags.of, lists: shown.lists.length, groups })
    else {
      console.log(`${shown.lists.length} shown lists; exposure is Σ 1 / log2(1 + place)`)
      const rows = groups.map(({ group, exposureShare, offeredShare, ratio, isUneven }) => [
        group,
        percent(exposureShare),
        percent(offeredShare),
        ratio === null ? null : ratio.toFixed(2),
        isUneven ? 'beyond ±20 %' : null,
      ])
      printTable([flags.of, 'of exposure', 'of the items in stock', 'ratio', ''], rows.slice(0, linesMax), 'no items are known')
    }
  },
}

const revenue: CommandModule<object, GlobalFlags & { readonly days: number }> = {
  command: 'revenue',
  describe: 'Revenue credited to shown lists by surface and source, and by category; order value, carts, and spending by variant',
  builder: (yargs) =>
    yargs
      .option('days', {
        default: 30,
        coerce: wholeNumber('days', { min: 1, max: 3650 }),
        requiresArg: true,
        describe: 'Newest days of event time; spending by variant is of all time',
      })
      .example('$0 report revenue --days 7', 'what the lists of a week brought, each way of crediting it') as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const { readExperiments } = await import('../experiment-log.ts')
    const { readRevenue } = await import('../revenue-report.ts')
    const report = await withPorts(config, async (ports) =>
      readRevenue(ports, (await readExperiments(ports, config)).experiments, flags),
    )
    if (flags.json) printJson(report)
    else (await import('../word-revenue.ts')).wordRevenue(report, linesMax)
  },
}

const segments: CommandModule<object, GlobalFlags> = {
  command: 'segments',
  describe: 'People by recency, frequency and money, and by the week in which they came',
  handler: async (flags) => {
    const { readSegments } = await import('../segment-report.ts')
    const report = await withPorts(configOf(flags), readSegments)
    if (flags.json) printJson(report)
    else (await import('../word-revenue.ts')).wordSegments(report, linesMax)
  },
}

function tellParity({ lists, people, items }: ParityTable, { by, of }: { readonly by: string; readonly of: string }): void {
  console.log(`${lists} shown lists; intervals are of 95 %, with people as units`)
  printTable(
    [by, 'people', 'lists', 'click-through'],
    people.map(({ group, people: count, lists: own, clickThrough }) => [
      group,
      count,
      own,
      clickThrough === null ? null : interval(clickThrough),
    ]),
    'no lists were shown',
  )
  printTable(
    [of, 'difference', 'ratio', ...people.map(({ group }) => group)],
    items
      .slice(0, linesMax)
      .map(({ group, difference, ratio, shares }) => [
        group,
        percent(difference),
        ratio === null ? null : ratio.toFixed(2),
        ...shares.map(interval),
      ]),
    'no items are known',
  )
}

function interval({ share, lower, upper }: Omit<ShareEstimate, 'group'>): string {
  return lower === null || upper === null ? percent(share) : `${percent(share)} (${percent(lower)} – ${percent(upper)})`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** `millrace report parity | exposure | revenue | segments`. */
export const reportCommand: CommandModule = {
  command: 'report',
  describe: 'What shown lists brought and to whom: revenue, segments of people, fairness between groups of people and of items',
  builder: (yargs) =>
    yargs
      .command(revenue)
      .command(segments)
      .command(parity)
      .command(exposure)
      .demandCommand(1, 'name a report: revenue, segments, parity or exposure'),
  handler: () => {},
}
