import { type AssignmentHash, assignmentHashes } from '../core/assignment.ts'
import type { ExperimentMetric } from './experiment-metric.ts'
import type { ImportedPolicy } from './imported-list.ts'
import { optional, recordSchema, timestampMs } from './record-schema.ts'
import { type Device, devices } from './user-event.ts'

/** What may decide the list of a variant: the person's own list, or the trend list; else lists imported from another vendor. */
export const experimentPolicies = ['learned', 'trend'] as const
export type ExperimentPolicy = (typeof experimentPolicies)[number] | ImportedPolicy

/** One arm of an experiment. */
export interface ExperimentVariant {
  readonly name: string
  /** Share of the experiment's people, ≥ 0; of all variants together any sum above 0. */
  readonly weight: number
  /** Null leaves the choice to other experiments, and to the person's own list in the end. */
  readonly policy: ExperimentPolicy | null
  /** What its people's own lists are made with: a piece of the section `recommendations` as JSON; null = as configured. */
  readonly settings: string | null
}

/** Whether an experiment has a say in how lists are made, not only in which one is shown. */
export function makesLists({ variants }: Pick<Experiment, 'variants'>): boolean {
  return variants.some(({ settings }) => settings !== null)
}

/** One thing that an experiment measures. */
export interface ExperimentMeasure {
  readonly metric: ExperimentMetric
  /** Of a guardrail the relative loss that is borne, 0–1: beyond it the experiment stops assigning. Null for a goal. */
  readonly lossMax: number | null
}

/**
 * One experiment as data, set while the engine runs (`millrace experiment create`). Those of one layer share its people out by ranges
 * of one hash, so that nobody is in two of them; layers are independent of each other. `schemas/experiment-fault.ts` says what is wrong
 * with one.
 */
export interface Experiment {
  /** Also the seed of the split into variants; by PlanOut its salt, `<experiment>.<parameter>`. */
  readonly id: string
  readonly layer: string
  /** The part of the layer's people: from, inclusive, to, exclusive, both 0–1. */
  readonly layerFrom: number
  readonly layerTo: number
  readonly variants: readonly ExperimentVariant[]
  /** The variant that the others are compared with. */
  readonly control: string
  /** Share of each variant's people that take part, 0–1. Raising it moves nobody to another variant. */
  readonly coverage: number
  /** How the hash of id and person decides the variant; the place in a layer is GrowthBook's for all. */
  readonly hash: AssignmentHash
  /** The variant whose people take part in no other experiment: what all others together are worth. Null for none. */
  readonly holdout: string | null
  /** Where, and to whom, it applies; empty = everywhere, everybody. */
  readonly surfaces: readonly string[]
  readonly regions: readonly string[]
  readonly devices: readonly Device[]
  readonly measures: readonly ExperimentMeasure[]
  /** Chance of a wrong verdict, in (0, 0.5). */
  readonly alpha: number
  /** People at which the always-valid interval is narrowest. */
  readonly tunedFor: number
  readonly state: 'running' | 'stopped'
  /** Grows whenever it is created again: a guardrail's stop holds for the revision it stopped. From 1. */
  readonly revision: number
  /** Shown from this event time on, and before that one. */
  readonly fromMs: number | null
  readonly toMs: number | null
  /** Why it is there, for people. */
  readonly note: string
}

const variantSchema = recordSchema<ExperimentVariant>('ExperimentVariant', 'One arm of an experiment.', [
  { name: 'name', type: 'string', doc: 'Its name.' },
  { name: 'weight', type: 'double', doc: 'Share of people; any sum above 0.' },
  optional('policy', 'string', 'Who decides the list: learned, trend or imported:<name>; null leaves it open.'),
  optional('settings', 'string', 'Of recommendations, as JSON: what its lists are made with.'),
])

const measureSchema = recordSchema<ExperimentMeasure>('ExperimentMeasure', 'One thing that is measured.', [
  { name: 'metric', type: 'string', doc: 'What, e.g. click-through.' },
  optional('lossMax', 'double', 'Of a guardrail: the relative loss that is borne.'),
])

const texts = { type: 'array', items: 'string' } as const

export const experimentSchema = recordSchema<Experiment>('Experiment', 'One experiment; null removes it.', [
  { name: 'id', type: 'string', doc: 'Its name, and the seed of its split; also the record key.' },
  { name: 'layer', type: 'string', doc: 'Experiments of one layer share no people.' },
  { name: 'layerFrom', type: 'double', doc: "Start of its part of the layer's people, 0-1.", default: 0 },
  { name: 'layerTo', type: 'double', doc: 'End of that part, exclusive.', default: 1 },
  { name: 'variants', type: { type: 'array', items: variantSchema.definition }, doc: 'Its arms.' },
  { name: 'control', type: 'string', doc: 'The arm that others are compared with.' },
  { name: 'coverage', type: 'double', doc: 'Share of people that take part, 0-1.', default: 1 },
  {
    name: 'hash',
    type: { type: 'enum', name: 'AssignmentHash', symbols: assignmentHashes, default: 'growthbook' },
    doc: 'Whose split of people into variants is followed.',
    default: 'growthbook',
  },
  optional('holdout', 'string', 'The arm whose people take part in no other experiment.'),
  { name: 'surfaces', type: texts, doc: 'Where; empty = everywhere.', default: [] },
  { name: 'regions', type: texts, doc: 'Regions of requests; empty = all.', default: [] },
  { name: 'devices', type: texts, doc: `Devices of requests (${devices.join(', ')}); empty = all.`, default: [] },
  { name: 'measures', type: { type: 'array', items: measureSchema.definition }, doc: 'Goals and guardrails.' },
  { name: 'alpha', type: 'double', doc: 'Chance of a wrong verdict.', default: 0.05 },
  { name: 'tunedFor', type: 'long', doc: 'People at which the always-valid interval is narrowest.', default: 5000 },
  {
    name: 'state',
    type: { type: 'enum', name: 'ExperimentState', symbols: ['running', 'stopped'] },
    doc: 'A stopped one assigns nobody.',
    default: 'running',
  },
  { name: 'revision', type: 'int', doc: 'Grows whenever it is created again.', default: 1 },
  optional('fromMs', timestampMs, 'From this event time on.'),
  optional('toMs', timestampMs, 'Before this event time.'),
  { name: 'note', type: 'string', doc: 'Why it is there, for people.', default: '' },
])
