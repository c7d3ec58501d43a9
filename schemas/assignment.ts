import { recordSchema } from './record-schema.ts'

/** Which variant of an experiment a showing was made under. */
export interface Assignment {
  readonly experiment: string
  readonly variant: string
}

export const assignmentSchema = recordSchema<Assignment>('Assignment', 'The variant of one experiment.', [
  { name: 'experiment', type: 'string', doc: 'The experiment.' },
  { name: 'variant', type: 'string', doc: 'The variant of it.' },
])

/** The field of decisions and rewards. */
export const assignmentsField = {
  name: 'assignments',
  type: { type: 'array', items: assignmentSchema.definition },
  doc: 'Every experiment that the person is in, with the variant.',
  default: [],
} as const
