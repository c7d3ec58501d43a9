import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startInferenceServer } from '../gpu-workers/inference-server.ts'

// An inference worker in a process of its own that also tells how late its event loop runs: bench/inference.ts forks it with the
// repository as argument. It says { address } when it is loaded; to any message it answers what happened since the last one.

const server = await startInferenceServer({ repository: process.argv[2]! })
await server.loaded
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
let cpu = process.cpuUsage()

process.on('message', () => {
  const { user, system } = process.cpuUsage(cpu)
  process.send!({ lagP99Ms: delay.percentile(99) / 1e6, lagMaxMs: delay.max / 1e6, cpuMs: (user + system) / 1000 })
  delay.reset()
  cpu = process.cpuUsage()
})
process.once('disconnect', () => void server.close().then(() => process.exit(0)))
process.send!({ address: server.address })
