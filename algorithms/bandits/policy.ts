import type { Random } from '../../core/random.ts'

/** What a policy chooses from: one row per candidate. */
export interface Choices {
  /** The key of each candidate's statistics: an item, a source, a ranker. Candidates of one arm share them. */
  readonly arms: readonly string[]
  /** What is known of each candidate here and now: arms × width, row-major. Policies without context take width 0. */
  readonly features: Float64Array
  readonly width: number
  /** Decisions the policy has taken so far: t of schedules that explore less with time. */
  readonly decisions: number
}

/** What has been learned of each arm; one that nobody has seen is not in it. */
export type ArmSums = ReadonlyMap<string, Float64Array>

/** Chances of each candidate to be the one that is shown; they sum to 1. */
export interface Chances {
  readonly values: Float64Array
  /** How many draws they were counted from; 0 = exact. */
  readonly draws: number
}

/** One candidate as it was when it was shown, and what came of it. */
export interface Observation {
  /** The candidate's row of features, `width` numbers. */
  readonly features: Float64Array
  readonly reward: number
  /** How much it counts, ≥ 0: 1, or what a position makes of it; negative takes an earlier one back. */
  readonly weight: number
  /** The decision's id: seeds what a policy draws while it learns. */
  readonly seed: string
}

/**
 * A bandit policy as plain mathematics. What it has learned are sums per arm, one `Float64Array` of `width(features)` numbers: they
 * merge by addition, fade by a factor, and are made again from the log. Nothing else is kept, so a policy itself has no state.
 */
export interface Policy {
  readonly name: string
  /** Set where what an observation adds depends on those before it: the sums are then those of one order, the log's. */
  readonly ordered?: true
  /** The arm whose sums an observation of `arm` belongs to: itself, or one that all share. */
  armOf(arm: string): string
  /** Numbers an arm's sums take when candidates have so many features; 0 where it needs more of them. */
  width(features: number): number
  /** Adds an observation to the sums of its arm, in place. */
  observe(sums: Float64Array, observation: Observation): void
  /** Set where `ordered`: takes an observation learned with the reward `before` to its reward now, in place. */
  correct?(sums: Float64Array, observation: Observation, before: number): void
  /** Chances by what is known; `random` is seeded by the decision. */
  chances(choices: Choices, sums: ArmSums, random: Random): Chances
  /**
   * One candidate, drawn as often as `chances` says but without working them out: for simulations, which log nothing. Absent where chances
   * cost no more.
   */
  draw?(choices: Choices, sums: ArmSums, random: Random): number
  /** What an arm is expected to bring by its sums alone, without context; NaN where it depends on the candidate. For reports. */
  expected(sums: Float64Array, features: number): number
}

/** Exact chances. */
export function exactly(values: Float64Array): Chances {
  return { values, draws: 0 }
}

/** All on one candidate. */
export function only(candidate: number, count: number): Chances {
  const values = new Float64Array(count)
  values[candidate] = 1
  return exactly(values)
}

/** The place of the largest value; the first of equals. */
export function placeOfBest(values: Float64Array): number {
  let best = 0
  for (let place = 1; place < values.length; place++) if (values[place]! > values[best]!) best = place
  return best
}
