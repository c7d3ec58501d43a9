import { recordSchema } from './record-schema.ts'

/** (session, item, time) of many events as columns; additive by source offset like ItemSignals. */
export interface SessionSteps {
  readonly sourcePartition: number
  readonly strings: readonly string[]
  readonly sessions: readonly number[]
  readonly items: readonly number[]
  readonly offsets: readonly number[]
  readonly timesMs: readonly number[]
  /** 32-bit hash of the person: whose steps go together, never who it is. Empty in records of before. */
  readonly people: readonly number[]
}

export const sessionStepsSchema = recordSchema<SessionSteps>('SessionSteps', 'Session, item and time of events, as columns.', [
  { name: 'sourcePartition', type: 'int', doc: 'Partition of user-events.' },
  { name: 'strings', type: { type: 'array', items: 'string' }, doc: 'Texts that sessions and items index.' },
  { name: 'sessions', type: { type: 'array', items: 'int' }, doc: 'Index of the session id.' },
  { name: 'items', type: { type: 'array', items: 'int' }, doc: 'Index of the item id.' },
  { name: 'offsets', type: { type: 'array', items: 'long' }, doc: 'Source offset, ascending.' },
  { name: 'timesMs', type: { type: 'array', items: 'long' }, doc: 'Event time.' },
  { name: 'people', type: { type: 'array', items: 'int' }, doc: 'Hash of the person.', default: [] },
])
