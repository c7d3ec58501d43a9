/** One slot that a policy filled, with what came of it: what an off-policy estimate reads. */
export interface LoggedChoice {
  readonly timeMs: number
  /** Who it was shown to: rows of one unit are not independent. '' where the log does not say. */
  readonly unit: string
  readonly arm: string
  /** 0-based; in a slate the number of slots filled before. */
  readonly position: number
  /** Chance of this arm in this position, in (0, 1]; in a slate given what stands above. */
  readonly propensity: number
  readonly reward: number
  /** Arms that could have stood there; null = every arm of the log. In a slate those that are left. */
  readonly candidates: readonly string[] | null
  /** What was known when it was shown, the same number of values in every row; [] = nothing. Of each candidate where `perCandidate`. */
  readonly context: readonly number[]
  /** Whether `context` has a row for each candidate, in their order. */
  readonly perCandidate?: boolean
  /** What the policy chose over, where a log may hold choices of several kinds. */
  readonly over?: string
  /** Of a slot of a slate, whose rows follow each other from position 0 on. */
  readonly slate?: {
    /** Chance of this arm in this position whatever stands above; null = not logged. */
    readonly marginal: number | null
  }
}
