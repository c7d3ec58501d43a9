import { recordSchema } from './record-schema.ts'

/** What one experiment counts of one person. */
export interface Exposure {
  readonly experiment: string
  /** The variant at their first showing; it stays theirs. */
  readonly variant: string
  crossed: boolean
  /** In the order of `personCounts`. */
  counts: number[]
}

/** What the experiments know of a person; `{rewards.p}:person:<user>`. */
export interface PersonState {
  /** Clicks and purchases on shown slots so far: what later experiments compare with. */
  clicks: number
  purchases: number
  /** The one with the newest showing last. */
  exposures: Exposure[]
}

const exposureSchema = recordSchema<Exposure>('Exposure', 'What one experiment counts of one person.', [
  { name: 'experiment', type: 'string', doc: 'The experiment.' },
  { name: 'variant', type: 'string', doc: 'The variant at the first showing.' },
  { name: 'crossed', type: 'boolean', doc: 'Whether they were seen in another variant.' },
  { name: 'counts', type: { type: 'array', items: 'long' }, doc: 'Counts.' },
])

export const personStateSchema = recordSchema<PersonState>('PersonState', 'What the experiments know of a person.', [
  { name: 'clicks', type: 'long', doc: 'Clicks so far.' },
  { name: 'purchases', type: 'long', doc: 'Purchases so far.' },
  { name: 'exposures', type: { type: 'array', items: exposureSchema.definition }, doc: 'By newest showing.' },
])
