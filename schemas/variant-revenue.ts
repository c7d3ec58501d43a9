import { recordSchema } from './record-schema.ts'
import { type TailTally, tailTallySchema } from './tail-tally.ts'

/** Days after their first showing in an experiment that people have for a conversion, and for what counts as their spending. */
export const conversionDays = 7
export const spendingDays = 30
/** Who did anything from the first to the last of these days after it was retained: its fourth week. */
export const retentionDays = { from: 21, to: 28 } as const

/** What the people of one variant spent since their first showing in the experiment, whatever they were shown. */
export interface VariantSpending {
  readonly variant: string
  people: number
  buyers: number
  /** Σ of each person's spending, in hundredths. */
  revenue: number
  /** Σ of its squares. */
  revenueSquared: number
  /** People whose first 7 days in the experiment are over, and those of them who bought something in these. */
  weekPeople: number
  weekBuyers: number
  /** People whose first 28 days are over, and those of them who did something in the last 7 of these. */
  fourWeeksPeople: number
  retained: number
  /** People whose first 30 days are over, and Σ and Σ² of what each spent in these, in hundredths. */
  monthPeople: number
  monthRevenue: number
  monthRevenueSquared: number
  /** Those of them who spent something, by bucket, ascending: a cap is put on them when variants are compared. */
  readonly monthTails: TailTally[]
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
  { name: 'weekPeople', type: 'long', doc: 'People whose first 7 days are over.', default: 0 },
  { name: 'weekBuyers', type: 'long', doc: 'Those of them who bought something in these.', default: 0 },
  { name: 'fourWeeksPeople', type: 'long', doc: 'People whose first 28 days are over.', default: 0 },
  { name: 'retained', type: 'long', doc: 'Those of them who did something in the last 7 of these.', default: 0 },
  { name: 'monthPeople', type: 'long', doc: 'People whose first 30 days are over.', default: 0 },
  { name: 'monthRevenue', type: 'long', doc: 'Sum of what each spent in these, in hundredths.', default: 0 },
  { name: 'monthRevenueSquared', type: 'double', doc: 'Sum of the squares of it.', default: 0 },
  {
    name: 'monthTails',
    type: { type: 'array', items: tailTallySchema.definition },
    doc: 'The same people by bucket of what each spent.',
    default: [],
  },
])

export const variantRevenueSchema = recordSchema<VariantRevenue>('VariantRevenue', 'Spending by variant of one experiment.', [
  { name: 'experiment', type: 'string', doc: 'The experiment; the record key is partition/experiment.' },
  { name: 'partition', type: 'int', doc: 'Task that counted.' },
  { name: 'version', type: 'long', doc: 'Grows with everything counted.' },
  { name: 'variants', type: { type: 'array', items: spendingSchema.definition }, doc: 'Variants in order of first person.' },
])

/** A variant that nobody was seen in yet. */
export function emptySpending(variant: string): VariantSpending {
  const weeks = { weekPeople: 0, weekBuyers: 0, fourWeeksPeople: 0, retained: 0 }
  const month = { monthPeople: 0, monthRevenue: 0, monthRevenueSquared: 0, monthTails: [] }
  return { variant, people: 0, buyers: 0, revenue: 0, revenueSquared: 0, ...weeks, ...month }
}
