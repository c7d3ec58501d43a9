import type { CandidateSet, CandidateSourceName } from '../candidate-set.ts'

/** A person in catalogue numbers, as candidate sources see them. */
export interface CandidateUser {
  readonly nowMs: number
  /** Hash of who it is, as `session-steps` names people. */
  readonly personKey: number
  /** Rows touched, newest first, with the strength of the touch. */
  readonly recentRows: Int32Array
  readonly recentStrengths: Float32Array
  /** Rows of the running session, oldest first. */
  readonly sessionRows: Int32Array
  /** In the cart, then bought lately. */
  readonly basketRows: Int32Array
  /** Category names, heaviest first. */
  readonly categories: readonly string[]
  readonly region: string | null
  /** Scopes of the person's groups, narrowest first; none without declared age and gender. */
  readonly groups: readonly string[]
  /** Scopes of the hour and the season. */
  readonly moments: readonly string[]
  /** The two-tower user vector, or null without a model. */
  readonly vector: Float32Array | null
  /** What the sequence model expects next, best first, scores falling; null without a model. */
  readonly next: { readonly rows: Int32Array; readonly scores: Float32Array } | null
}

/** Brings at most `countMax` items into a set, under its own name. Reads memory only: no I/O, no clock, no randomness. */
export interface CandidateSource {
  readonly name: CandidateSourceName
  retrieve(user: CandidateUser, set: CandidateSet, countMax: number): void
}
