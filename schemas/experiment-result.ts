import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** What a comparison says so far; see `docs/learning.md`. */
export const experimentVerdicts = ['open', 'better', 'worse', 'invalid'] as const
export type ExperimentVerdict = (typeof experimentVerdicts)[number]

/** How a guardrail stands: not sure yet, the loss surely stays within its bound, surely goes beyond it. */
export const guardrailStates = ['open', 'safe', 'broken'] as const
export type GuardrailState = (typeof guardrailStates)[number]

/** Running result of one metric in one variant of an experiment: newest wins. Of the control all comparisons are null. */
export interface ExperimentResult {
  readonly experiment: string
  readonly variant: string
  readonly metric: string
  /** The variant it is compared with. */
  readonly control: string
  /** Exposed people, those of them seen in a second variant, and slots left out as a bandit filled them. */
  readonly people: number
  readonly crossed: number
  readonly explored: number
  /** Mean over people; of a ratio, the ratio of sums. */
  readonly mean: number
  /** Standard error of the mean, 0 below two people. */
  readonly standardError: number
  /** Share of the variance that what was known before explains, 0–1 (CUPED); 0 for ratios. */
  readonly varianceExplained: number
  /** Of a metric that is capped, what a person counts at most; null without a cap, and as long as nobody has more. */
  readonly cap: number | null
  /** (variant − control) / control, with its 1 − α interval and p-value by Welch: for one look at a planned end. */
  readonly lift: number | null
  readonly lower: number | null
  readonly upper: number | null
  readonly pValue: number | null
  /** The always-valid interval and p-value, for looking at any time; null with less than 100 people in either arm. */
  readonly anytimeLower: number | null
  readonly anytimeUpper: number | null
  readonly anytimePValue: number | null
  /** Of goals the always-valid p-value after Holm, over all goals and variants. */
  readonly holmPValue: number | null
  /** p-value of the sample-ratio check over all variants. */
  readonly sampleRatioPValue: number
  readonly verdict: ExperimentVerdict
  /** Null where the metric is no guardrail. */
  readonly guardrail: GuardrailState | null
  /** Grows with every showing counted. */
  readonly version: number
  readonly eventTimeMs: number
}

export const experimentResultSchema = recordSchema<ExperimentResult>(
  'ExperimentResult',
  'Running result of one metric in one variant.',
  [
    { name: 'experiment', type: 'string', doc: 'The experiment; the record key is experiment/variant/metric.' },
    { name: 'variant', type: 'string', doc: 'The variant.' },
    { name: 'metric', type: 'string', doc: 'What is measured.' },
    { name: 'control', type: 'string', doc: 'The variant it is compared with.' },
    { name: 'people', type: 'long', doc: 'Exposed people.' },
    { name: 'crossed', type: 'long', doc: 'Those seen in a second variant too.' },
    { name: 'explored', type: 'long', doc: 'Slots left out, as a bandit filled them.' },
    { name: 'mean', type: 'double', doc: 'Mean over people; of a ratio, the ratio of sums.' },
    { name: 'standardError', type: 'double', doc: 'Standard error of the mean.' },
    { name: 'varianceExplained', type: 'double', doc: 'Share of the variance explained by what was known before (CUPED).' },
    optional('cap', 'double', 'What a person counts at most.'),
    optional('lift', 'double', 'Relative lift against the control.'),
    optional('lower', 'double', "Lower end of Welch's interval: for one look."),
    optional('upper', 'double', 'Upper end of it.'),
    optional('pValue', 'double', 'Its p-value.'),
    optional('anytimeLower', 'double', 'Lower end of the always-valid interval.'),
    optional('anytimeUpper', 'double', 'Upper end of it.'),
    optional('anytimePValue', 'double', 'Its p-value.'),
    optional('holmPValue', 'double', 'Of goals the same after Holm.'),
    { name: 'sampleRatioPValue', type: 'double', doc: 'p-value of the sample-ratio check.' },
    {
      name: 'verdict',
      type: { type: 'enum', name: 'ExperimentVerdict', symbols: experimentVerdicts },
      doc: 'What it says so far.',
    },
    optional('guardrail', { type: 'enum', name: 'GuardrailState', symbols: guardrailStates }, 'How the guardrail stands.'),
    { name: 'version', type: 'long', doc: 'Showings counted.' },
    { name: 'eventTimeMs', type: timestampMs, doc: 'Newest row in it.' },
  ],
)
