import fc from 'fast-check'
import { scenarioOf, topologyNames } from './scenarios.ts'
import { schedules } from './schedule.ts'
import { simulate } from './simulation.ts'
import { faultsOf } from './oracle.ts'
import { FaultCounts } from './fault-counts.ts'

const counts = new FaultCounts()
for (const name of topologyNames) {
  const t0 = performance.now()
  let n = 0
  const kinds = new Map<string, { n: number; schedule: unknown; text: string }>()
  const samples = fc.sample(schedules, { numRuns: Number(process.argv[2] ?? 200), seed: Number(process.argv[3] ?? 1) })
  for (const schedule of samples) {
    const scenario = await scenarioOf(name, schedule.log)
    const remains = await simulate(scenario, schedule)
    counts.addAll(remains.counts)
    const faults = faultsOf(scenario, remains)
    n++
    if (faults.length) {
      const kind = faults[0]!.replace(/[0-9]+/g, '#').slice(0, 60)
      const one = kinds.get(kind) ?? { n: 0, schedule, text: faults[0]!.slice(0, 500) }
      one.n++
      kinds.set(kind, one)
    }
  }
  const failing = [...kinds.values()].reduce((a, b) => a + b.n, 0)
  console.log(name, n, 'failing', failing, ((performance.now() - t0) / n).toFixed(2), 'ms each')
  for (const [kind, { n, text }] of kinds) console.log('  ', n, kind, '\n      ', text.slice(0, 260))
}
console.log(String(counts))
