import { personCounts } from './experiment-metric.ts'
import { recordSchema, timestampMs } from './record-schema.ts'

/**
 * One showing moved the counts of one person in one experiment. Additive, like rewards: readers keep the next running number of each
 * task and skip what is below. It names nobody.
 */
export interface ExperimentDelta {
  readonly experiment: string
  readonly variant: string
  /** The `rewards` task that counted it, and its running number there. */
  readonly sourcePartition: number
  readonly sequence: number
  /** Event time at which the showing's join closed. */
  readonly closedMs: number
  /** Counts before and after, in the order of `personCounts`; before is empty at the first showing. */
  readonly before: readonly number[]
  readonly after: readonly number[]
  /** Slots left out, as a bandit filled them. */
  readonly explored: number
  /** Whether the person was seen in a second variant for the first time: they stay with the first one. */
  readonly crossed: boolean
}

const counts = { type: 'array', items: 'long' } as const

export const experimentDeltaSchema = recordSchema<ExperimentDelta>(
  'ExperimentDelta',
  'One showing moved one person in one experiment.',
  [
    { name: 'experiment', type: 'string', doc: 'The experiment; also the record key.' },
    { name: 'variant', type: 'string', doc: "The person's variant." },
    { name: 'sourcePartition', type: 'int', doc: 'Task that counted it.' },
    { name: 'sequence', type: 'long', doc: 'Running number in that task, with gaps.' },
    { name: 'closedMs', type: timestampMs, doc: 'When the join of the showing closed.' },
    { name: 'before', type: counts, doc: `Counts before, empty at first: ${personCounts.join(', ')}.` },
    { name: 'after', type: counts, doc: 'The same counts after it.' },
    { name: 'explored', type: 'int', doc: 'Slots left out, as a bandit filled them.' },
    { name: 'crossed', type: 'boolean', doc: 'Whether the person was seen in a second variant for the first time.' },
  ],
)
