import type { Config } from '../../cli/config.ts'
import { graphsOf } from '../../cli/topologies.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { Engine } from '../../runtime/engine.ts'
import { defaultTaskLimits, type TaskLimits } from '../../runtime/task-limits.ts'
import { type Stack, statefulTopologies } from './stack.ts'

/** Topologies without lists ask no model. */
const noScorer: Scorer = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'there is no model in this test')),
}

/** Event time that only records move: the rows then depend on the log alone, not on when a topic fell silent. */
export const neverIdle: TaskLimits = { ...defaultTaskLimits, idleMs: 2 ** 31 - 1 }

/** An engine in this process that runs what holds state; `failures` collects topologies that died. */
export function engineHere(stack: Stack, limits: TaskLimits = neverIdle): { engine: Engine; failures: unknown[] } {
  const config: Config = { ...stack.config, topologies: [...statefulTopologies] }
  const { graphs } = graphsOf(config, noScorer, stack.ports.clock)
  const failures: unknown[] = []
  const engine = new Engine(stack.ports, {
    graphs,
    partitions: config.partitions,
    limits,
    onFailed: (_topology, error) => failures.push(error),
  })
  return { engine, failures }
}
