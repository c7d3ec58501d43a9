import { recordSchema, timestampMs } from './record-schema.ts'

/** Lists of a surface do not explore from here on (`millrace exploration off`); null = they do again. */
export interface ExplorationStop {
  /** The surface. */
  readonly id: string
  /** Why, for people. */
  readonly reason: string
  readonly sinceMs: number
}

export const explorationStopSchema = recordSchema<ExplorationStop>(
  'ExplorationStop',
  'Lists of a surface do not explore; null = they do again.',
  [
    { name: 'id', type: 'string', doc: 'The surface, e.g. home; also the record key.' },
    { name: 'reason', type: 'string', doc: 'Why, for people.' },
    { name: 'sinceMs', type: timestampMs, doc: 'When it was turned off.' },
  ],
)
