import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** A record that will never work as it is, kept whole so that it can be looked at and replayed. */
export interface DeadLetter {
  /** `topology/topic/partition/offset/step`: the same record dead-lettered twice by one topology is one letter. */
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly loggedMs: number
  readonly topology: string
  readonly step: string
  /** Error code, e.g. MILL_SCHEMA_MISMATCH. */
  readonly code: string
  readonly reason: string
  readonly key: string | null
  /** The raw bytes as they lay in the log; null for a tombstone. */
  readonly value: Uint8Array | null
  /** How often it was replayed before. */
  readonly replays: number
}

export const deadLetterSchema = recordSchema<DeadLetter>('DeadLetter', 'A record that will never work as it is.', [
  { name: 'id', type: 'string', doc: 'topology/topic/partition/offset/step; also the record key.' },
  { name: 'topic', type: 'string', doc: 'Where it lay.' },
  { name: 'partition', type: 'int', doc: 'Its partition.' },
  { name: 'offset', type: 'long', doc: 'Its offset.' },
  { name: 'loggedMs', type: timestampMs, doc: 'When the log took it.' },
  { name: 'topology', type: 'string', doc: 'Who could not process it.' },
  { name: 'step', type: 'string', doc: 'The step that gave up.' },
  { name: 'code', type: 'string', doc: 'Error code.' },
  { name: 'reason', type: 'string', doc: 'What is wrong with it.' },
  optional('key', 'string', 'Its key.'),
  optional('value', 'bytes', 'Its raw bytes.'),
  { name: 'replays', type: 'int', doc: 'How often it was replayed.', default: 0 },
])
