import type { JudgeOptions } from './judge.ts'
import type { PlanOptions, Protocol } from './plan.ts'

/** How a format's data is judged unless told otherwise; where the files come from is the business of the reader. */
export interface FormatHabits {
  readonly name: string
  readonly summary: string
  /** The protocol that its publications use. */
  readonly protocol: Protocol
  /** Events without a session: a visit ends after so long without one, ms. */
  readonly sessionGapMs: number
  readonly context: JudgeOptions['context']
  readonly truth: 'next' | 'rest' | 'basket'
  readonly exclude: JudgeOptions['exclude']
  readonly k: number
  /** Only these events are asked for; all if empty. */
  readonly judgedTypes: PlanOptions['judgedTypes']
}

const halfHourMs = 30 * 60_000
const wholeUserMs = Number.POSITIVE_INFINITY

/** Every format of `millrace evaluate`, in the order of its help. */
export const formatHabits: readonly FormatHabits[] = [
  {
    name: 'sessions',
    summary: 'Session clicks: SessionId, ItemId, Time, in one file or in train, valid and test files (Serenade, RSC15)',
    protocol: 'split',
    sessionGapMs: halfHourMs,
    context: 'session',
    truth: 'rest',
    exclude: 'none',
    k: 20,
    judgedTypes: [],
  },
  {
    name: 'movielens',
    summary: 'MovieLens ratings; the items a person rated',
    protocol: 'leave-last-out',
    sessionGapMs: wholeUserMs,
    context: 'user',
    truth: 'next',
    exclude: 'user',
    k: 10,
    judgedTypes: [],
  },
  {
    name: 'globo',
    summary: 'Globo.com news clicks: the next article of the visit',
    protocol: 'prequential',
    sessionGapMs: halfHourMs,
    context: 'session',
    truth: 'next',
    exclude: 'session',
    k: 20,
    judgedTypes: [],
  },
  {
    name: 'online-retail',
    summary: 'UCI Online Retail: the next basket of a customer; lines without a customer are learned only',
    protocol: 'prequential',
    sessionGapMs: halfHourMs,
    context: 'user',
    truth: 'basket',
    exclude: 'none',
    k: 20,
    judgedTypes: ['purchase'],
  },
  {
    name: 'taobao',
    summary: 'Taobao user behaviour (buy, cart, fav): the next purchase of a person',
    protocol: 'prequential',
    sessionGapMs: halfHourMs,
    context: 'user',
    truth: 'next',
    exclude: 'none',
    k: 20,
    judgedTypes: ['purchase'],
  },
  {
    name: 's3rec',
    summary: 'One person per line with items in order (Amazon Beauty as S3-Rec prepares it), with item attributes',
    protocol: 'leave-last-out',
    sessionGapMs: wholeUserMs,
    context: 'user',
    truth: 'next',
    exclude: 'user',
    k: 10,
    judgedTypes: [],
  },
  {
    name: 'sequences',
    summary: 'One session per line with items in order (Diginetica as SR-GNN prepares it)',
    protocol: 'split',
    sessionGapMs: wholeUserMs,
    context: 'session',
    truth: 'next',
    exclude: 'none',
    k: 20,
    judgedTypes: [],
  },
  {
    name: 'events',
    summary: "The engine's own log, written by `millrace export events` (and `export items` beside it)",
    protocol: 'prequential',
    sessionGapMs: halfHourMs,
    context: 'user',
    truth: 'next',
    exclude: 'none',
    k: 20,
    judgedTypes: [],
  },
]
