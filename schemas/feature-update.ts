import { recordSchema, timestampMs } from './record-schema.ts'
import { type UserFeatures, userFeaturesSchema } from './user-features.ts'

export const urgencies = ['low', 'normal', 'high'] as const

/** A person's features after a batch of their events: newest wins. */
export interface FeatureUpdate {
  readonly userId: string
  /** Event time of the newest event in it. */
  readonly eventTimeMs: number
  /** When the log took that event: freshness counts from here. */
  readonly loggedMs: number
  /** Offset in user-events of that event. */
  readonly sourceOffset: number
  /** `high` after a cart, purchase or search. */
  readonly urgency: (typeof urgencies)[number]
  /** Names of the event types that moved the features. */
  readonly moved: readonly string[]
  readonly features: UserFeatures
}

export const featureUpdateSchema = recordSchema<FeatureUpdate>('FeatureUpdate', 'Features of a person after a batch of events.', [
  { name: 'userId', type: 'string', doc: 'The person; also the record key.' },
  { name: 'eventTimeMs', type: timestampMs, doc: 'Newest event in it.' },
  { name: 'loggedMs', type: timestampMs, doc: 'When the log took that event.' },
  { name: 'sourceOffset', type: 'long', doc: 'Offset of that event in user-events.' },
  {
    name: 'urgency',
    type: { type: 'enum', name: 'Urgency', symbols: urgencies, default: 'normal' },
    doc: 'How soon a list should follow.',
  },
  { name: 'moved', type: { type: 'array', items: 'string' }, doc: 'Event types that moved the features.' },
  { name: 'features', type: userFeaturesSchema.definition, doc: 'The features themselves.' },
])
