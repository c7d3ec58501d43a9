import { parseArgs } from 'node:util'
import { FaultCounts } from './fault-counts.ts'
import { type TopologyName, topologyNames } from './scenarios.ts'
import { runTrial, wordFailure } from './trial.ts'

// npm run soak -- --minutes N [--seed S] [--topology T]: the simulation goes on with seeds S, S + 1, … until the time is up or a
// promise breaks. Exit 1 with seed and shrunk schedule when one did, 2 for arguments that make no sense.

/** Schedules of one topology and seed. */
const schedulesPerSeed = 1_000
const toldEveryMs = 10_000

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, topology: { type: 'string' } },
})
const minutes = Number(values.minutes)
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000)
const names = topologyNames.filter((name) => values.topology === undefined || name === values.topology)
if (!(minutes > 0) || !Number.isSafeInteger(firstSeed) || names.length === 0) {
  process.stderr.write(
    `soak takes --minutes above 0, a whole --seed and a --topology of ${topologyNames.join(', ')}; it got ${JSON.stringify(values)}\n`,
  )
  process.exit(2)
}
process.exitCode = await soak(names)

async function soak(topologies: readonly TopologyName[]): Promise<number> {
  const counts = new FaultCounts()
  const startMs = performance.now()
  const endMs = startMs + minutes * 60_000
  let toldMs = startMs
  let runs = 0
  const tell = (seed: number) => {
    const seconds = (performance.now() - startMs) / 1_000
    process.stdout.write(
      `${seconds.toFixed(0)} s, seed ${seed}: ${runs} schedules, ${(runs / seconds).toFixed(0)}/s, ${counts.total} faults\n`,
    )
    toldMs = performance.now()
  }
  let seed = firstSeed
  for (; performance.now() < endMs; seed++) {
    for (const topology of topologies) {
      const trial = { topology, schedules: schedulesPerSeed, seed }
      const result = await runTrial(trial)
      runs += result.runs
      counts.addAll(result.counts)
      if (result.failure) {
        process.stdout.write(`${wordFailure(trial, result)}\n`)
        return 1
      }
      if (performance.now() - toldMs > toldEveryMs) tell(seed)
      if (performance.now() > endMs) break
    }
  }
  tell(seed)
  process.stdout.write(`faults injected: ${counts}\nevery promise held\n`)
  return 0
}
