import { type Decision, decisionSchema } from './decision.ts'
import { recordSchema } from './record-schema.ts'

/** What somebody did with an item of a shown list. */
export interface OutcomeState {
  readonly eventId: string
  readonly itemId: string
  readonly timeMs: number
  /** Graded reward 0–1. */
  readonly strength: number
  /** Offset in user-events. */
  readonly offset: number
  /** Whether a row that left counts it. */
  joined: boolean
}

/** A showing that was joined already: remembered for one more wait, so that a resend of it is recognised. */
export interface ClosedDecision {
  readonly decisionId: string
  readonly timeMs: number
}

/** Showings of one list to one person, and what followed; `{rewards.p}:list:<user>/<list>`. Arrays are sorted. */
export interface ListState {
  open: Decision[]
  closed: ClosedDecision[]
  outcomes: OutcomeState[]
}

/** What is due at an event time. */
export const dueKinds = ['close', 'sweep', 'forget'] as const

export interface DueEntry {
  readonly dueMs: number
  /** Index in `dueKinds`: of equal times a showing closes before outcomes are swept. */
  readonly kind: number
  readonly listKey: string
  /** Decision or event id. */
  readonly id: string
}

/** Everything due within one bucket of event time, sorted. */
export interface DueBucket {
  entries: DueEntry[]
}

/** Which buckets hold something, ascending, the first as its number and each other as the distance to the one before. */
export interface DueIndex {
  gaps: number[]
}

/** Progress of the join: how many rewards have left. */
export interface JoinProgress {
  sequence: number
}

const outcomeSchema = recordSchema<OutcomeState>('OutcomeState', 'What somebody did with an item of a list.', [
  { name: 'eventId', type: 'string', doc: 'The event.' },
  { name: 'itemId', type: 'string', doc: 'The item.' },
  { name: 'timeMs', type: 'long', doc: 'Event time.' },
  { name: 'strength', type: 'double', doc: 'Graded reward.' },
  { name: 'offset', type: 'long', doc: 'Offset in user-events.' },
  { name: 'joined', type: 'boolean', doc: 'Whether a row that left counts it.' },
])

const closedSchema = recordSchema<ClosedDecision>('ClosedDecision', 'A showing that was joined already.', [
  { name: 'decisionId', type: 'string', doc: 'The decision.' },
  { name: 'timeMs', type: 'long', doc: 'When it was shown.' },
])

const dueEntrySchema = recordSchema<DueEntry>('DueEntry', 'What is due.', [
  { name: 'dueMs', type: 'long', doc: 'Event time.' },
  { name: 'kind', type: 'int', doc: 'close, sweep or forget.' },
  { name: 'listKey', type: 'string', doc: 'Whose list.' },
  { name: 'id', type: 'string', doc: 'Decision or event.' },
])

export const listStateSchema = recordSchema<ListState>('ListState', 'Showings of one list, and what followed.', [
  { name: 'open', type: { type: 'array', items: decisionSchema.definition }, doc: 'Showings that wait for outcomes.' },
  { name: 'closed', type: { type: 'array', items: closedSchema.definition }, doc: 'Showings joined already.' },
  { name: 'outcomes', type: { type: 'array', items: outcomeSchema.definition }, doc: 'Outcomes.' },
])

export const dueBucketSchema = recordSchema<DueBucket>('DueBucket', 'Everything due within one bucket.', [
  { name: 'entries', type: { type: 'array', items: dueEntrySchema.definition }, doc: 'Sorted.' },
])

export const dueIndexSchema = recordSchema<DueIndex>('DueIndex', 'Which buckets hold something.', [
  { name: 'gaps', type: { type: 'array', items: 'long' }, doc: 'Ascending bucket numbers as differences.' },
])

export const joinProgressSchema = recordSchema<JoinProgress>('JoinProgress', 'Progress of the join.', [
  { name: 'sequence', type: 'long', doc: 'Rewards that have left.' },
])
