import { type Decision, decisionSchema } from './decision.ts'
import { recordSchema } from './record-schema.ts'

/** What somebody did with an item of a shown list. */
export interface OutcomeState {
  readonly eventId: string
  readonly itemId: string
  readonly timeMs: number
  /** Event time at which it was read: its own, or how far its input had come where it was late. It is told as of then. */
  readonly readMs: number
  /** Its own wait: a showing counts it if it was read so long after it. */
  readonly waitMs: number
  /** Graded reward 0–1. */
  readonly strength: number
  /** Price × quantity of a purchase, else 0. */
  readonly revenue: number
  /** Offset in user-events. */
  readonly offset: number
  /** The decision whose rows count it; '' while none does. */
  joinedTo: string
}

/** A showing that waits for outcomes. */
export interface OpenShowing {
  readonly decision: Decision
  /** Rows that left of it. */
  rows: number
}

/** A showing whose waits are over: remembered for one more wait, so that a resend of it is recognised. */
export interface ClosedDecision {
  readonly decisionId: string
  readonly timeMs: number
}

/** Showings of one list to one person, and what followed; `{rewards.p}:list:<user>/<list>`. Arrays are sorted. */
export interface ListState {
  /** Who it was shown to: both halves of the key may have slashes. */
  readonly userId: string
  /** A stub: ids and times alone, as the person was erased. */
  erased: boolean
  open: OpenShowing[]
  closed: ClosedDecision[]
  outcomes: OutcomeState[]
}

/** What is due at an event time, in the order in which equal times are served. */
export const dueKinds = ['row', 'correct', 'close', 'sweep', 'forget'] as const
export type DueKind = (typeof dueKinds)[number]

export interface DueEntry {
  readonly dueMs: number
  /** Index in `dueKinds`. */
  readonly kind: number
  readonly listKey: string
  /** Decision or event id. */
  readonly id: string
}

/** Everything due within one bucket of event time, sorted. */
export interface DueBucket {
  entries: DueEntry[]
}

/** Which hours, or buckets of an hour, hold something: ascending, the first as its number, each other as the distance to the one before. */
export interface DueIndex {
  gaps: number[]
}

/** Showings taken in within the longest wait, by part of that wait: what `rewards.openMax` bounds. Parts ascend. */
export interface OpenCounts {
  parts: number[]
  counts: number[]
}

/** Progress of the join: how many timers have fired. Each takes a number, whether a row leaves or not. */
export interface JoinProgress {
  sequence: number
}

const outcomeSchema = recordSchema<OutcomeState>('OutcomeState', 'What somebody did with an item of a list.', [
  { name: 'eventId', type: 'string', doc: 'The event.' },
  { name: 'itemId', type: 'string', doc: 'The item.' },
  { name: 'timeMs', type: 'long', doc: 'Event time.' },
  { name: 'readMs', type: 'long', doc: 'Event time at which it was read.' },
  { name: 'waitMs', type: 'long', doc: 'Its own wait.' },
  { name: 'strength', type: 'double', doc: 'Graded reward.' },
  { name: 'revenue', type: 'double', doc: 'Price times quantity of a purchase.' },
  { name: 'offset', type: 'long', doc: 'Offset in user-events.' },
  { name: 'joinedTo', type: 'string', doc: 'The decision whose rows count it.' },
])

const openShowingSchema = recordSchema<OpenShowing>('OpenShowing', 'A showing that waits for outcomes.', [
  { name: 'decision', type: decisionSchema.definition, doc: 'As it was shown.' },
  { name: 'rows', type: 'int', doc: 'Rows that left of it.' },
])

const closedSchema = recordSchema<ClosedDecision>('ClosedDecision', 'A showing whose waits are over.', [
  { name: 'decisionId', type: 'string', doc: 'The decision.' },
  { name: 'timeMs', type: 'long', doc: 'When it was shown.' },
])

const dueEntrySchema = recordSchema<DueEntry>('DueEntry', 'What is due.', [
  { name: 'dueMs', type: 'long', doc: 'Event time.' },
  { name: 'kind', type: 'int', doc: 'What is to be done.' },
  { name: 'listKey', type: 'string', doc: 'Whose list.' },
  { name: 'id', type: 'string', doc: 'Decision or event.' },
])

export const listStateSchema = recordSchema<ListState>('ListState', 'Showings of one list, and what followed.', [
  { name: 'userId', type: 'string', doc: 'Who it was shown to.' },
  { name: 'erased', type: 'boolean', doc: 'Whether ids and times alone are left, as the person was erased.' },
  { name: 'open', type: { type: 'array', items: openShowingSchema.definition }, doc: 'Showings that wait for outcomes.' },
  { name: 'closed', type: { type: 'array', items: closedSchema.definition }, doc: 'Showings whose waits are over.' },
  { name: 'outcomes', type: { type: 'array', items: outcomeSchema.definition }, doc: 'Outcomes.' },
])

export const dueBucketSchema = recordSchema<DueBucket>('DueBucket', 'Everything due within one bucket.', [
  { name: 'entries', type: { type: 'array', items: dueEntrySchema.definition }, doc: 'Sorted.' },
])

export const dueIndexSchema = recordSchema<DueIndex>('DueIndex', 'Which hours or buckets hold something.', [
  { name: 'gaps', type: { type: 'array', items: 'long' }, doc: 'Ascending numbers as differences.' },
])

export const joinProgressSchema = recordSchema<JoinProgress>('JoinProgress', 'Progress of the join.', [
  { name: 'sequence', type: 'long', doc: 'Timers that have fired.' },
])

export const openCountsSchema = recordSchema<OpenCounts>('OpenCounts', 'Showings taken in within the longest wait.', [
  { name: 'parts', type: { type: 'array', items: 'long' }, doc: 'Parts of the wait, by number.' },
  { name: 'counts', type: { type: 'array', items: 'long' }, doc: 'Showings in each.' },
])
