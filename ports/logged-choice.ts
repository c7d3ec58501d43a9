/** One slot that a policy filled, with what came of it: what an off-policy estimate reads. */
export interface LoggedChoice {
  readonly timeMs: number
  /** Who it was shown to: rows of one unit are not independent. '' where the log does not say. */
  readonly unit: string
  readonly arm: string
  /** 0-based. */
  readonly position: number
  /** Chance of this arm in this position, in (0, 1]. */
  readonly propensity: number
  readonly reward: number
  /** Arms that could have stood there; null = every arm of the log. */
  readonly candidates: readonly string[] | null
  /** What was known when it was shown, the same number of values in every row; [] = nothing. */
  readonly context: readonly number[]
}
