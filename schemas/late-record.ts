import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** A record that came after its event time was closed: kept apart and counted, never silently dropped. */
export interface LateRecord {
  /** `topology/topic/partition/offset/step`. */
  readonly id: string
  readonly topology: string
  readonly step: string
  readonly eventTimeMs: number
  readonly watermarkMs: number
  readonly key: string | null
  /** What it was, as JSON. */
  readonly content: string
}

export const lateRecordSchema = recordSchema<LateRecord>('LateRecord', 'A record that came after its event time was closed.', [
  { name: 'id', type: 'string', doc: 'topology/topic/partition/offset/step; also the record key.' },
  { name: 'topology', type: 'string', doc: 'Who found it late.' },
  { name: 'step', type: 'string', doc: 'The step.' },
  { name: 'eventTimeMs', type: timestampMs, doc: 'Its event time.' },
  { name: 'watermarkMs', type: timestampMs, doc: 'The watermark it missed.' },
  optional('key', 'string', 'Its key.'),
  { name: 'content', type: 'string', doc: 'What it was, as JSON.' },
])
