import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** Running result of one variant of an experiment. */
export interface ExperimentResult {
  readonly experiment: string
  readonly variant: string
  readonly metric: string
  readonly users: number
  readonly sum: number
  readonly sumOfSquares: number
  readonly lift: number | null
  readonly lower: number | null
  readonly upper: number | null
  readonly pValue: number | null
  readonly sampleRatioPValue: number | null
  readonly eventTimeMs: number
}

export const experimentResultSchema = recordSchema<ExperimentResult>('ExperimentResult', 'Running result of one variant.', [
  { name: 'experiment', type: 'string', doc: 'The experiment; also the record key.' },
  { name: 'variant', type: 'string', doc: 'The variant.' },
  { name: 'metric', type: 'string', doc: 'What is measured.' },
  { name: 'users', type: 'long', doc: 'Exposed people.' },
  { name: 'sum', type: 'double', doc: 'Sum over people.' },
  { name: 'sumOfSquares', type: 'double', doc: 'Sum of squares over people.' },
  optional('lift', 'double', 'Relative lift against control.'),
  optional('lower', 'double', 'Lower end of its interval.'),
  optional('upper', 'double', 'Upper end of its interval.'),
  optional('pValue', 'double', 'p value.'),
  optional('sampleRatioPValue', 'double', 'p value of the sample-ratio check.'),
  { name: 'eventTimeMs', type: timestampMs, doc: 'Newest row in it.' },
])
