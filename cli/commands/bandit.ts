import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { BanditUpdate } from '../../schemas/bandit-update.ts'
import { AdminClient } from '../admin-client.ts'
import { audit } from '../audit.ts'
import type { BanditReport } from '../bandit-report.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { GuardError } from '../guard-error.ts'
import { printJson, printTable } from '../print.ts'
import { wholeNumber } from '../whole-number.ts'
import { withPorts } from '../with-ports.ts'

interface ShowFlags extends GlobalFlags {
  readonly policy: string | undefined
  readonly plot: string | undefined
}

const show: CommandModule<object, ShowFlags> = {
  command: 'show',
  describe: 'What bandits learned: arms, posterior, share, regret. Exit 1 if nothing yet',
  builder: (yargs) =>
    yargs
      .option('policy', { type: 'string', requiresArg: true, describe: 'Only this bandit policy, e.g. beta-thompson' })
      .option('plot', { type: 'string', requiresArg: true, describe: 'Write a chart of the arms (SVG)' }) as never,
  handler: async (flags) => {
    const { banditReports } = await import('../bandit-report.ts')
    const { readTopic } = await import('../read-topic.ts')
    const updates: BanditUpdate[] = []
    await withPorts(configOf(flags), async (ports) => {
      for await (const { value } of readTopic(ports, 'bandit-updates'))
        if (value && (flags.policy === undefined || value.explorer.policy === flags.policy)) updates.push(value)
    })
    const reports = banditReports(updates)
    if (reports.length === 0) process.exitCode = exitCodes.no
    if (flags.plot !== undefined) {
      const { banditPlot } = await import('../bandit-plot.ts')
      const { writePlot } = await import('../write-plot.ts')
      await writePlot(flags.plot, banditPlot(reports))
    }
    if (flags.json) printJson(reports)
    else tell(reports)
  },
}

/** Arms of one policy that are printed. */
const armsMax = 50

function tell(reports: readonly BanditReport[]): void {
  if (reports.length === 0) console.log('no bandit has learned anything yet')
  for (const { listPolicy, policy, version, segment, over, rewards, arms, best, regret } of reports) {
    console.log(`${listPolicy}: ${policy} ${version}${segment === '' ? '' : `, ${segment}`}, ${rewards} rewards`)
    const told = arms.slice(0, armsMax)
    printTable(
      ['arm', 'decisions', 'share', 'posterior mean', '95 %', 'expected', 'weighted mean', '95 %', 'worth'],
      told.map((arm) => [
        arm.arm,
        arm.decisions,
        `${(100 * arm.share).toFixed(1)} %`,
        arm.mean.toFixed(4),
        `${arm.lower.toFixed(4)} … ${arm.upper.toFixed(4)}`,
        arm.expected?.toFixed(4) ?? null,
        arm.weighted.mean.toFixed(4),
        `${arm.weighted.lower.toFixed(4)} … ${arm.weighted.upper.toFixed(4)}`,
        arm.weighted.effectiveSize.toFixed(0),
      ]),
      'no arm was shown',
    )
    if (told.length < arms.length)
      console.log(`and ${arms.length - told.length} arms that were shown less often (--json has them)`)
    if (over === 'item' || over === 'slate') console.log('items have no regret: there is none that every list could have shown\n')
    else if (regret === null) console.log('no arm was shown often enough to be called the best\n')
    else
      console.log(
        `always ${best} would have brought ${regret.total.toFixed(1)} more (${regret.lower.toFixed(1)} … ${regret.upper.toFixed(1)})\n`,
      )
  }
}

interface RebuildFlags extends GlobalFlags {
  readonly check: boolean
  readonly force: boolean
  readonly reason: string | undefined
  readonly address: string | undefined
}

const rebuild: CommandModule<object, RebuildFlags> = {
  command: 'rebuild',
  describe: 'Fold rewards again and put what bandits learned right where it differs. Exit 1 if it could not, or --check differs',
  builder: (yargs) =>
    yargs
      .option('check', { type: 'boolean', default: false, describe: 'Only compare: equal within 1e-9' })
      .option('reason', { type: 'string', requiresArg: true, describe: 'Why, for the audit; needed without --check' })
      .option('force', { type: 'boolean', default: false, describe: 'Even while an engine runs bandit: it loses its task' })
      .option('address', {
        type: 'string',
        requiresArg: true,
        describe: 'host:port of the admin side to look for a running engine',
      })
      .example('$0 bandit rebuild --check', 'is the live state the fold of the log?') as never,
  handler: async (flags) => {
    const config = configOf(flags)
    if (!flags.check && !flags.reason) throw new GuardError('rebuild needs --reason "why", or --check to compare only')
    const { rebuildBandit } = await import('../rebuild-bandit.ts')
    await withPorts(config, async (ports) => {
      if (!flags.check && !flags.force) {
        const running = await new AdminClient(config, flags.address).status().catch(() => null)
        if (running?.topologies.some(({ name, state }) => name === 'bandit' && state !== 'stopped'))
          throw new GuardError('an engine runs bandit: drain it first (millrace drain bandit), or insist with --force')
      }
      const tasks = await rebuildBandit(config, ports, !flags.check)
      const different = tasks.reduce((sum, task) => sum + task.different.length, 0)
      const isWrong = tasks.some(({ skipped }) => skipped !== '') || (flags.check && different > 0)
      if (tasks.length === 0 || isWrong) process.exitCode = exitCodes.no
      if (!flags.check) audit(config, 'bandit rebuild', { reason: flags.reason, forced: flags.force, tasks })
      if (flags.json) printJson({ different, tasks })
      else {
        const rows = tasks.map((task) => [
          task.partition,
          task.records,
          task.keys,
          task.different.length,
          task.skipped || (task.restored ? 'restored' : task.different.length > 0 ? 'differs' : 'equal'),
        ])
        printTable(['partition', 'rewards', 'keys', 'different', 'result'], rows, 'no bandit ever learned here')
        for (const key of tasks.flatMap((task) => task.different).slice(0, 20)) console.log(key)
      }
    })
  },
}

interface ReplayFlags extends GlobalFlags {
  readonly limit: number
}

const replay: CommandModule<object, ReplayFlags> = {
  command: 'replay',
  describe: 'Take logged decisions again and compare chances and arm to the last bit. Exit 1 on a difference',
  builder: (yargs) =>
    yargs.option('limit', {
      default: 10_000,
      coerce: wholeNumber('limit', { min: 1, max: 1_000_000 }),
      requiresArg: true,
      describe: 'Decisions at most',
    }) as never,
  handler: async (flags) => {
    const { replayBandit } = await import('../bandit-replay.ts')
    const result = await withPorts(configOf(flags), (ports) => replayBandit(ports, flags.limit))
    if (result.decisions === 0)
      throw new MillraceError('MILL_NOT_FOUND', 'no decision here was explored by a policy of a version')
    const different = result.decisions - result.same - result.unknown
    if (different > 0) process.exitCode = exitCodes.no
    if (flags.json) printJson(result)
    else {
      console.log(
        `${result.decisions} decisions: ${result.same} the same, ${different} different, ${result.unknown} no longer known`,
      )
      for (const { decisionId, logged, again } of result.different) console.log(`${decisionId}: logged ${logged}, again ${again}`)
    }
  },
}

/** `millrace bandit show | rebuild | replay`. */
export const banditCommand: CommandModule = {
  command: 'bandit',
  describe: 'What bandits learned, made again, and their decisions taken again',
  builder: (yargs) =>
    yargs.command(show).command(rebuild).command(replay).demandCommand(1, 'name what to do: show, rebuild or replay'),
  handler: () => {},
}
