import { recordSchema } from './record-schema.ts'

/** People of one bucket of an amount that is capped, by `algorithms/tail-sums.ts`: y is the amount, x what was known before. */
export interface TailTally {
  readonly bucket: number
  people: number
  y: number
  ySquared: number
  x: number
  product: number
}

export const tailTallySchema = recordSchema<TailTally>('TailTally', 'People of one bucket of an amount that is capped.', [
  { name: 'bucket', type: 'int', doc: 'Which amounts.' },
  { name: 'people', type: 'long', doc: 'People.' },
  { name: 'y', type: 'long', doc: 'Sum of amounts.' },
  { name: 'ySquared', type: 'double', doc: 'Sum of their squares.' },
  { name: 'x', type: 'long', doc: 'Sum of what was known before.' },
  { name: 'product', type: 'double', doc: 'Sum of products of both.' },
])
