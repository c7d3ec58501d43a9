import { recordSchema, timestampMs } from './record-schema.ts'

/** A broken guardrail stopped an experiment: it assigns nobody until it is created again; null = it was. */
export interface ExperimentStop {
  readonly experiment: string
  /** The revision of the experiment that stopped; later ones assign again. */
  readonly revision: number
  /** Which guardrail, and of which variant. */
  readonly metric: string
  readonly variant: string
  /** The lift as it was, the upper end of its always-valid interval, and the relative loss that is borne, 0–1. */
  readonly lift: number
  readonly upper: number
  readonly lossMax: number
  /** People of the variant. */
  readonly people: number
  readonly eventTimeMs: number
}

export const experimentStopSchema = recordSchema<ExperimentStop>('ExperimentStop', 'A broken guardrail stopped an experiment.', [
  { name: 'experiment', type: 'string', doc: 'The experiment; also the record key.' },
  { name: 'revision', type: 'int', doc: 'Its revision that stopped; later ones assign again.' },
  { name: 'metric', type: 'string', doc: 'The guardrail.' },
  { name: 'variant', type: 'string', doc: 'The variant that broke it.' },
  { name: 'lift', type: 'double', doc: 'Relative lift against the control.' },
  { name: 'upper', type: 'double', doc: 'Upper end of its always-valid interval.' },
  { name: 'lossMax', type: 'double', doc: 'Relative loss that is borne.' },
  { name: 'people', type: 'long', doc: 'People of the variant.' },
  { name: 'eventTimeMs', type: timestampMs, doc: 'Newest row in it.' },
])
