import type { Config } from '../cli/config.ts'
import { openJob } from '../cli/open-job.ts'

// The engine as `millrace start --no-simulate` wires it, without the gateway, in a process of its own: bench/freshness.ts forks it
// with its configuration as JSON. It says 'ready' when all topologies run, and then which lists lie in the store, after each batch.

/** Lists that have become readable: `atMs` is the wall clock after the batch's last effect, so later than any reader could see them. */
export interface ListsMade {
  readonly atMs: number
  /** CPU time of the engine's process since its start. */
  readonly cpuMs: number
  /** Person, event time of the newest event in it, rung. */
  readonly lists: readonly (readonly [userId: string, watermarkMs: number, rung: string])[]
}

/** Lists made before all topologies run: told after 'ready', which is the first message. */
let early: ListsMade[] | undefined = []
const job = await openJob(JSON.parse(process.argv[2]!) as Config)
const startedCpu = process.cpuUsage()
job.observe((topology, lists) => {
  if (topology !== 'recommendations' || lists.length === 0) return
  const { user, system } = process.cpuUsage(startedCpu)
  const made: ListsMade = {
    atMs: performance.timeOrigin + performance.now(),
    cpuMs: (user + system) / 1000,
    lists: lists.map(({ userId, watermarkMs, rung }) => [userId, watermarkMs, rung] as const),
  }
  if (early) early.push(made)
  else process.send?.(made)
})
await job.engine.start()
let reportedCpu = process.cpuUsage()
process.on('message', () => {
  const { user, system } = process.cpuUsage(reportedCpu)
  reportedCpu = process.cpuUsage()
  process.send!({ cpuMs: (user + system) / 1000 })
})
process.once('disconnect', () => process.exit(0))
process.send!('ready')
for (const made of early) process.send!(made)
early = undefined
