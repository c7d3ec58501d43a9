import { recordSchema, timestampMs } from './record-schema.ts'

/** Receipt of an erasure: what was deleted where. */
export interface Erasure {
  readonly userId: string
  readonly topology: string
  readonly keysDeleted: number
  readonly keysLeft: number
  readonly timeMs: number
}

export const erasureSchema = recordSchema<Erasure>('Erasure', 'Receipt of an erasure.', [
  { name: 'userId', type: 'string', doc: 'The person erased; also the record key.' },
  { name: 'topology', type: 'string', doc: 'Who erased.' },
  { name: 'keysDeleted', type: 'int', doc: 'Keys deleted.' },
  { name: 'keysLeft', type: 'int', doc: 'Keys found afterwards; 0 proves it. Those of rewards hold ids and times alone.' },
  { name: 'timeMs', type: timestampMs, doc: 'When.' },
])
