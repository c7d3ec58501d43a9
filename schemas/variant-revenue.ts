import { recordSchema } from './record-schema.ts'

/** What the people of one variant spent since their first showing in the experiment, whatever they were shown. */
export interface VariantSpending {
  readonly variant: string
  people: number
  buyers: number
  /** Σ of each person's spending, in hundredths. */
  revenue: number
  /** Σ of its squares. */
  revenueSquared: number
}

/** One task's sums of one experiment: newest wins, and those of all tasks add up. */
export interface VariantRevenue {
  readonly experiment: string
  readonly partition: number
  /** Grows with everything counted. */
  version: number
  readonly variants: VariantSpending[]
}

const spendingSchema = recordSchema<VariantSpending>('VariantSpending', 'What the people of one variant spent.', [
  { name: 'variant', type: 'string', doc: 'The variant of their first showing.' },
  { name: 'people', type: 'long', doc: 'People.' },
  { name: 'buyers', type: 'long', doc: 'Those who bought something.' },
  { name: 'revenue', type: 'long', doc: 'Sum of what each spent, in hundredths.' },
  { name: 'revenueSquared', type: 'double', doc: 'Sum of the squares of what each spent.' },
])

export const variantRevenueSchema = recordSchema<VariantRevenue>('VariantRevenue', 'Spending by variant of one experiment.', [
  { name: 'experiment', type: 'string', doc: 'The experiment; the record key is partition/experiment.' },
  { name: 'partition', type: 'int', doc: 'Task that counted.' },
  { name: 'version', type: 'long', doc: 'Grows with everything counted.' },
  { name: 'variants', type: { type: 'array', items: spendingSchema.definition }, doc: 'Variants in order of first person.' },
])
