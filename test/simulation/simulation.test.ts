import { afterAll, describe, expect, it } from 'vitest'
import { FaultCounts, faultKinds } from './fault-counts.ts'
import { topologyNames } from './scenarios.ts'
import { runTrial, wordFailure } from './trial.ts'

// The real tasks and topologies in a world that loses, delays, repeats, crashes and goes back (streaming-notes.md sections 2 and 6).

const perTopology = 600
const seed = 20_260_101
const counts = new FaultCounts()

describe('simulation', () => {
  it.each(topologyNames)(
    `%s keeps its promises in ${perTopology} schedules`,
    async (topology) => {
      const trial = { topology, schedules: perTopology, seed }
      const result = await runTrial(trial)
      counts.addAll(result.counts)
      expect(wordFailure(trial, result)).toBe('')
      expect(result.runs).toBe(perTopology)
      const possible = faultKinds.filter((kind) => kind !== 'worker failed' || topology === 'recommendations')
      for (const kind of possible) expect(result.counts.of(kind), `${topology}: no "${kind}"`).toBeGreaterThan(0)
    },
    180_000,
  )

  afterAll(() => void process.stdout.write(`simulation, faults injected: ${counts}\n`))
})
