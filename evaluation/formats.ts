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
]
