import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** Age bands (F14.2). Avro symbols may not begin with a digit, so bands are written `age_18_24` on the wire. */
export const ageGroupSymbols = [
  'unknown',
  'under_18',
  'age_18_24',
  'age_25_34',
  'age_35_44',
  'age_45_54',
  'age_55_64',
  'age_65_plus',
] as const
export type AgeGroup = (typeof ageGroupSymbols)[number]

/** What a person told the shop about themselves. A null record erases them. */
export interface UserProfile {
  readonly userId: string
  readonly ageGroup: AgeGroup
  readonly gender: string | null
  readonly region: string | null
  /** Category names declared at onboarding. */
  readonly preferredCategories: readonly string[]
  readonly consent: boolean
  readonly updatedMs: number
}

export const userProfileSchema = recordSchema<UserProfile>('UserProfile', 'What a person told the shop; null erases them.', [
  { name: 'userId', type: 'string', doc: 'The person; also the record key.' },
  {
    name: 'ageGroup',
    type: { type: 'enum', name: 'AgeGroup', symbols: ageGroupSymbols, default: 'unknown' },
    doc: 'Age band; never the age.',
    default: 'unknown',
  },
  optional('gender', 'string', 'As declared.'),
  optional('region', 'string', 'Coarse region.'),
  { name: 'preferredCategories', type: { type: 'array', items: 'string' }, doc: 'Categories chosen at onboarding.', default: [] },
  { name: 'consent', type: 'boolean', doc: 'Whether a profile may be kept.', default: true },
  { name: 'updatedMs', type: timestampMs, doc: 'When it was last changed.' },
])
