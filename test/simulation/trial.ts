import fc from 'fast-check'
import { FaultCounts } from './fault-counts.ts'
import { faultsOf } from './oracle.ts'
import { scenarioOf, type TopologyName } from './scenarios.ts'
import { type Schedule, schedules } from './schedule.ts'
import { type Breakage, simulate } from './simulation.ts'

/** What a trial is about. */
export interface TrialOptions {
  readonly topology: TopologyName
  /** Schedules at most; it ends at the first that fails. */
  readonly schedules: number
  readonly seed: number
  readonly breakage?: Breakage
  /** Whether a failing schedule is made small; that takes some hundred runs more. */
  readonly shrinks?: boolean
}

/** How a trial ended. */
export interface Trial {
  /** Schedules run until it ended; those run for shrinking do not count. */
  readonly runs: number
  readonly counts: FaultCounts
  /** The smallest failing schedule with what is wrong after it; null if all held. */
  readonly failure: { readonly schedule: Schedule; readonly faults: readonly string[] } | null
}

/** Faults told of one schedule: the first ones say enough. */
const toldMax = 5

/** Runs schedules of one seed until one breaks a promise, and shrinks that one. */
export async function runTrial({ topology, schedules: numRuns, seed, breakage, shrinks = true }: TrialOptions): Promise<Trial> {
  const counts = new FaultCounts()
  const run = async (schedule: Schedule, count: boolean): Promise<readonly string[]> => {
    const scenario = await scenarioOf(topology, schedule.log)
    const remains = await simulate(scenario, schedule, breakage)
    if (count) counts.addAll(remains.counts)
    return await faultsOf(scenario, remains)
  }
  let failed = false
  const property = fc.asyncProperty(schedules, async (schedule) => {
    const held = (await run(schedule, !failed)).length === 0
    if (!held) failed = true
    return held
  })
  const details = await fc.check(property, { numRuns, seed, endOnFailure: !shrinks })
  if (!details.failed) return { runs: details.numRuns, counts, failure: null }
  const [schedule] = details.counterexample!
  const faults = await run(schedule, false)
  return { runs: details.numRuns, counts, failure: { schedule, faults: faults.slice(0, toldMax) } }
}

/** A failing schedule in words: what went wrong, and what to run to see it again. */
export function wordFailure({ topology, seed }: TrialOptions, { runs, failure }: Trial): string {
  if (!failure) return ''
  const { actions, ...rest } = failure.schedule
  return [
    `${topology}, seed ${seed}: schedule ${runs} breaks a promise. Shrunk to:`,
    `  ${JSON.stringify(rest)}`,
    ...actions.map((action) => `  ${JSON.stringify(action)}`),
    'after which',
    ...failure.faults.map((fault) => `  ${fault.slice(0, 600)}`),
    `See it again: npm run soak -- --topology ${topology} --seed ${seed}`,
  ].join('\n')
}
