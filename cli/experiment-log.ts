import { ExperimentTable } from '../operators/tables/experiment-table.ts'
import type { Experiment } from '../schemas/experiment.ts'
import type { ExperimentResult } from '../schemas/experiment-result.ts'
import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'
import { configuredExperiment } from './configured-experiment.ts'
import { readDefinitions } from './definition-log.ts'
import { readTopic } from './read-topic.ts'
import { variantsFault } from './variant-settings.ts'

/** The experiments as the engine sees them now, with their newest results. */
export interface ExperimentLog {
  /** Those that are set, or the configured one. */
  readonly experiments: readonly Experiment[]
  /** Whether somebody has set any. */
  readonly isSet: boolean
  readonly table: ExperimentTable
  /** By experiment, in order of variants and metrics. */
  readonly results: ReadonlyMap<string, readonly ExperimentResult[]>
}

/** Reads definitions and results from their topics. Errors: those of the log. */
export async function readExperiments(ports: Pick<OpenPorts, 'log' | 'wire'>, config: Config): Promise<ExperimentLog> {
  const defaults = [configuredExperiment(config)]
  const table = new ExperimentTable(defaults, (experiment) => variantsFault(config.recommendations, experiment))
  const set = await readDefinitions(ports, 'experiments')
  table.apply(set)
  for await (const { key, value, offset, loggedMs } of readTopic(ports, 'experiment-stops'))
    if (key !== null) table.stops.apply([{ key, value, offset, loggedMs }])
  const newest = new Map<string, ExperimentResult>()
  for await (const { key, value } of readTopic(ports, 'experiment-results')) {
    if (key === null) continue
    if (value === null) newest.delete(key)
    else newest.set(key, value)
  }
  const results = Map.groupBy(newest.values(), ({ experiment }) => experiment)
  return { experiments: set.length > 0 ? set.map(({ value }) => value) : defaults, isSet: set.length > 0, table, results }
}
