import type { CommandModule } from 'yargs'
import { AdminClient } from '../admin-client.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'

interface StatusFlags extends GlobalFlags {
  readonly address: string | undefined
  readonly tasks: boolean
}

/** `millrace status`: exit 1 while not everything runs. */
export const statusCommand: CommandModule<object, StatusFlags> = {
  command: 'status',
  describe: 'What a running engine does: states, lag, watermarks. Exit 1 while it is not ready',
  builder: (yargs) =>
    yargs
      .option('address', { type: 'string', requiresArg: true, describe: 'host:port of its admin side' })
      .option('tasks', { type: 'boolean', default: false, describe: 'One line per task' }) as never,
  handler: async (flags) => {
    const { ready, topologies } = await new AdminClient(configOf(flags), flags.address).status()
    if (!ready) process.exitCode = exitCodes.no
    if (flags.json) {
      printJson({ ready, topologies })
      return
    }
    const watermark = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
    if (flags.tasks) {
      const rows = topologies.flatMap(({ name, tasks }) =>
        tasks.map((task) => [
          name,
          task.partition,
          task.epoch,
          task.lag,
          task.oldestInFlightMs,
          watermark(task.watermarkMs),
          JSON.stringify(task.positions),
        ]),
      )
      printTable(
        ['topology', 'partition', 'epoch', 'lag', 'in flight ms', 'watermark', 'positions'],
        rows,
        'this engine owns no task',
      )
      return
    }
    const rows = topologies.map((topology) => {
      const marks = topology.tasks.flatMap((task) => (task.watermarkMs === null ? [] : [task.watermarkMs]))
      const lag = topology.tasks.reduce((sum, task) => sum + task.lag, 0)
      const mark = marks.length === 0 ? null : Math.min(...marks)
      const state = topology.reason === '' ? topology.state : `${topology.state}: ${topology.reason}`
      return [
        topology.name,
        state,
        topology.tasks.length,
        topology.records,
        lag,
        topology.deadLetters,
        topology.late,
        watermark(mark),
      ]
    })
    printTable(
      ['topology', 'state', 'tasks', 'records', 'lag', 'dead letters', 'late', 'watermark'],
      rows,
      'this engine runs no topology',
    )
  },
}
