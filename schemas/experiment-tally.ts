import { recordSchema } from './record-schema.ts'
import { type TailTally, tailTallySchema } from './tail-tally.ts'

/** Sums over the people of one variant; they merge by addition. */
export interface VariantTally {
  readonly variant: string
  people: number
  /** People seen in a second variant too. */
  crossed: number
  /** Slots left out, as a bandit filled them. */
  explored: number
  /** Σ of each of `personCounts` over people. */
  sums: number[]
  /** Σ of their products, row by row of the upper triangle: Σ c₀c₀, Σ c₀c₁, …, Σ c₁c₁, … */
  products: number[]
  /** By bucket of `cappedCount`, ascending, who has any: a cap is put on them when variants are compared. */
  tails: TailTally[]
}

/** The variants of one experiment in order of their names; `{experiments.p}:tally:<experiment>`. */
export interface ExperimentTally {
  variants: VariantTally[]
  /** Deltas applied. */
  version: number
  /** Newest row in it. */
  eventTimeMs: number
}

const longs = { type: 'array', items: 'long' } as const
/** Whole numbers too, but the square of one large purchase is beyond those that a double tells apart. */
const doubles = { type: 'array', items: 'double' } as const

const variantTallySchema = recordSchema<VariantTally>('VariantTally', 'Sums over the people of one variant.', [
  { name: 'variant', type: 'string', doc: 'The variant.' },
  { name: 'people', type: 'long', doc: 'People.' },
  { name: 'crossed', type: 'long', doc: 'People seen in a second variant too.' },
  { name: 'explored', type: 'long', doc: 'Slots left out.' },
  { name: 'sums', type: longs, doc: 'Sums of counts.' },
  { name: 'products', type: doubles, doc: 'Sums of products of counts, upper triangle.' },
  { name: 'tails', type: { type: 'array', items: tailTallySchema.definition }, doc: 'By bucket.', default: [] },
])

export const experimentTallySchema = recordSchema<ExperimentTally>('ExperimentTally', 'The variants of one experiment.', [
  { name: 'variants', type: { type: 'array', items: variantTallySchema.definition }, doc: 'By name.' },
  { name: 'version', type: 'long', doc: 'Deltas applied.' },
  { name: 'eventTimeMs', type: 'long', doc: 'Newest row.' },
])
