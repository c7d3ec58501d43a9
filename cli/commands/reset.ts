import type { CommandModule } from 'yargs'
import { sourceTopics } from '../../runtime/graph.ts'
import { readLayout } from '../../runtime/state-layout.ts'
import { AdminClient } from '../admin-client.ts'
import { audit } from '../audit.ts'
import type { OpenPorts } from '../compose.ts'
import type { Config } from '../config.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { GuardError } from '../guard-error.ts'
import { printJson, printTable } from '../print.ts'
import { topologyGraph } from '../topology-graph.ts'
import { withPorts } from '../with-ports.ts'

interface ResetFlags extends GlobalFlags {
  readonly topology: string
  readonly execute: boolean
  readonly force: boolean
  readonly reason: string | undefined
  readonly address: string | undefined
}

/** What a reset does to one task. */
interface TaskReset {
  readonly partition: number
  readonly epoch: number
  readonly positions: Readonly<Record<string, number>>
  /** Oldest offsets the log still holds: what comes before cannot be folded again. */
  readonly logStart: Readonly<Record<string, number>>
}

/** `millrace reset <topology>`: forget state and positions, so that the next start folds the log again. */
export const resetCommand: CommandModule<object, ResetFlags> = {
  command: 'reset <topology>',
  describe: 'Forget state and positions of a topology; a dry run unless --execute',
  builder: (yargs) =>
    yargs
      .positional('topology', { type: 'string', demandOption: true, describe: 'Its name' })
      .option('execute', { type: 'boolean', default: false, describe: 'Do it' })
      .option('reason', { type: 'string', requiresArg: true, describe: 'Why, for the audit; needed with --execute' })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'Even while an engine runs it, or the log no longer holds its beginning',
      })
      .option('address', {
        type: 'string',
        requiresArg: true,
        describe: 'host:port of the admin side to look for a running engine',
      }) as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const graph = await topologyGraph(flags.topology, config)
    if (flags.execute && !flags.reason) throw new GuardError('--execute needs --reason "why": it is kept in the audit')
    await withPorts(config, async (ports) => {
      const tasks = await plan(ports, flags.topology, sourceTopics(graph))
      if (flags.execute) {
        if (!flags.force) await guard(config, flags, tasks, await movedTopics(ports, sourceTopics(graph)))
        audit(config, 'reset', { topology: flags.topology, reason: flags.reason, forced: flags.force, tasks })
        for (const { partition } of tasks) await ports.state.clear({ topology: flags.topology, partition })
        await ports.log.deleteGroup(`millrace.${flags.topology}`)
      }
      if (flags.json) printJson({ topology: flags.topology, executed: flags.execute, tasks })
      else tell(flags, tasks)
    })
  },
}

async function plan(ports: OpenPorts, topology: string, topics: readonly string[]): Promise<TaskReset[]> {
  const starts = new Map<string, readonly { readonly start: number }[]>()
  for (const topic of topics) if ((await ports.log.partitions(topic)) > 0) starts.set(topic, await ports.log.offsets(topic))
  const tasks: TaskReset[] = []
  for (const partition of await ports.state.tasks(topology)) {
    const progress = await ports.state.progress({ topology, partition })
    if (!progress) continue
    const logStart = Object.fromEntries([...starts].map(([topic, offsets]) => [topic, offsets[partition]?.start ?? 0]))
    tasks.push({ partition, epoch: progress.epoch, positions: progress.positions, logStart })
  }
  return tasks
}

async function guard(config: Config, flags: ResetFlags, tasks: readonly TaskReset[], moved: readonly string[]): Promise<void> {
  const running = await new AdminClient(config, flags.address).status().catch(() => null)
  const live = running?.topologies.find(({ name, state }) => name === flags.topology && state !== 'stopped')
  if (live)
    throw new GuardError(
      `an engine runs ${flags.topology} (${live.state}): drain it first (millrace drain ${flags.topology}), or insist with --force`,
    )
  const lost = tasks.find(({ logStart }) => Object.values(logStart).some((start) => start > 0))
  if (lost)
    throw new GuardError(
      `the log no longer holds the beginning of partition ${lost.partition} (${JSON.stringify(lost.logStart)}): what was folded from it would be lost; insist with --force`,
    )
  if (moved.length > 0)
    throw new GuardError(
      `${moved.join(', ')} have records from before the state was moved to more partitions: those of keys that moved would not be folded again; insist with --force`,
    )
}

/** Topics that still hold records which a smaller partition count placed. */
async function movedTopics(ports: OpenPorts, topics: readonly string[]): Promise<string[]> {
  const { cuts } = await readLayout(ports.state)
  const moved: string[] = []
  for (const topic of topics) {
    const cut = cuts[topic] ?? []
    if (cut.length > 0 && (await ports.log.offsets(topic)).some(({ start }, partition) => start < (cut[partition] ?? 0)))
      moved.push(topic)
  }
  return moved
}

function tell(flags: ResetFlags, tasks: readonly TaskReset[]): void {
  const rows = tasks.map((task) => [task.partition, task.epoch, JSON.stringify(task.positions), JSON.stringify(task.logStart)])
  printTable(['partition', 'epoch', 'positions', 'log begins at'], rows, `${flags.topology} holds nothing`)
  if (flags.execute) console.log(`forgotten: the next start of ${flags.topology} folds the log again`)
  else console.log('nothing was changed; add --execute --reason "why" to do it')
}
