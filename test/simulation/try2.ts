import fc from 'fast-check'
import { scenarioOf, type TopologyName } from './scenarios.ts'
import { schedules } from './schedule.ts'
import { simulate } from './simulation.ts'
import { faultsOf } from './oracle.ts'
const name = process.argv[2] as TopologyName
const like = process.argv[5] ?? ''
const result = await fc.check(
  fc.asyncProperty(schedules, async (schedule) => {
    const scenario = await scenarioOf(name, schedule.log)
    const remains = await simulate(scenario, schedule)
    const faults = faultsOf(scenario, remains).filter((f) => f.includes(like))
    if (faults.length) throw new Error(faults.map((f) => f.slice(0, 1200)).slice(0,4).join('\n'))
  }),
  { numRuns: Number(process.argv[3] ?? 200), seed: Number(process.argv[4] ?? 1) },
)
console.log(result.failed, result.numRuns, result.numShrinks, JSON.stringify(result.counterexample?.[0], null, 0), String(result.errorInstance))
