import type { Decision } from '../schemas/decision.ts'

/** A logged vector that the log does not give again. */
export interface FeatureMismatch {
  readonly decisionId: string
  readonly listId: string
  readonly userId: string
  /** Null for the context, the user tower's input. */
  readonly itemId: string | null
  /** The first column that differs: a name of the ranker's, or `context n`. */
  readonly column: string
  readonly logged: number | null
  readonly recomputed: number | null
}

const examplesMax = 100

/** Counts vectors that differ, and keeps the first 100 of them. */
export class AuditMismatches {
  readonly examples: FeatureMismatch[] = []
  count = 0

  add(
    { decisionId, listId, userId }: Decision,
    itemId: string | null,
    column: string,
    logged: number | undefined,
    recomputed: number | undefined,
  ): void {
    this.count++
    if (this.examples.length >= examplesMax) return
    this.examples.push({ decisionId, listId, userId, itemId, column, logged: logged ?? null, recomputed: recomputed ?? null })
  }
}
