import { recordSchema, timestampMs } from './record-schema.ts'

/** Something people should look at. */
export interface Alert {
  readonly name: string
  readonly severity: 'info' | 'warning' | 'critical'
  readonly state: 'pending' | 'firing' | 'resolved'
  readonly message: string
  readonly value: number
  readonly eventTimeMs: number
}

export const alertSchema = recordSchema<Alert>('Alert', 'Something people should look at.', [
  { name: 'name', type: 'string', doc: 'Which rule; also the record key.' },
  { name: 'severity', type: { type: 'enum', name: 'Severity', symbols: ['info', 'warning', 'critical'] }, doc: 'How bad.' },
  { name: 'state', type: { type: 'enum', name: 'AlertState', symbols: ['pending', 'firing', 'resolved'] }, doc: 'Life cycle.' },
  { name: 'message', type: 'string', doc: 'What is wrong and what to do.' },
  { name: 'value', type: 'double', doc: 'The value that broke the rule.' },
  { name: 'eventTimeMs', type: timestampMs, doc: 'When.' },
])
