import { systemClock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import type { Scorer } from '../ports/scorer.ts'
import type { Graph } from '../runtime/graph.ts'
import type { Config } from './config.ts'

/** Stands for the inference workers while a graph is only looked at or folded again. */
const noScorer: Scorer = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'this command asks no inference worker')),
}

/** The graph of one topology, without a running engine. Errors: `MILL_USAGE` for an unknown name. */
export async function topologyGraph(name: string, config: Config): Promise<Graph> {
  const { graphsOf, topologyNames } = await import('./topologies.ts')
  if (!topologyNames.includes(name))
    throw new MillraceError('MILL_USAGE', `there is no topology "${name}"; there are ${topologyNames.join(', ')}`)
  return graphsOf({ ...config, topologies: [name] }, noScorer, systemClock).graphs[0]!()
}
