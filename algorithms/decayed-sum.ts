/**
 * An exponentially decayed sum, Σ w_i · 2^(−(now − t_i)/halfLife), kept as one number at a landmark ("forward decay", Cormode,
 * Shkapenyuk, Srivastava, Xu, ICDE 2009). The landmark is always a whole multiple of the half-life, so moving it multiplies by
 * a power of two, which is exact: any arrival order gives the same sum up to the rounding of the additions alone.
 *
 * One half-life belongs to one sum for ever: hand the same `halfLifeMs` to every call.
 */
export interface DecayedSum {
  /** The sum as it stood, or will stand, at `referenceMs`; 0 while empty. */
  value: number
  /** The landmark, ms since the epoch; 0 while empty. */
  referenceMs: number
}

/** A sum of nothing. */
export function emptyDecayedSum(): DecayedSum {
  return { value: 0, referenceMs: 0 }
}

/**
 * Adds `weight` (finite, may be negative) that happened at `timeMs` (ms, any order) to `sum`, in place. `halfLifeMs` > 0.
 * The caller checks its inputs once per batch: a NaN here would stay in the sum.
 */
export function addDecayed(sum: DecayedSum, weight: number, timeMs: number, halfLifeMs: number): void {
  const landmarkMs = Math.floor(timeMs / halfLifeMs) * halfLifeMs
  if (sum.value === 0) sum.referenceMs = landmarkMs
  else if (landmarkMs > sum.referenceMs) rebaseDecayed(sum, landmarkMs, halfLifeMs)
  // Whole half-lives and the rest apart: the power of two of the whole part is exact.
  const behind = Math.round((landmarkMs - sum.referenceMs) / halfLifeMs)
  sum.value += weight * 2 ** ((timeMs - landmarkMs) / halfLifeMs) * 2 ** behind
}

/** The sum as it stands at `nowMs`; a time before the newest event is allowed and gives the value grown back to then. */
export function decayedAt(sum: DecayedSum, nowMs: number, halfLifeMs: number): number {
  return sum.value === 0 ? 0 : sum.value * 2 ** ((sum.referenceMs - nowMs) / halfLifeMs)
}

/** Adds `other` to `sum`, in place: the same as if every event of `other` had been added one by one. Both share the half-life. */
export function mergeDecayed(sum: DecayedSum, other: DecayedSum, halfLifeMs: number): void {
  if (other.value === 0) return
  if (sum.value === 0) sum.referenceMs = other.referenceMs
  else if (other.referenceMs > sum.referenceMs) rebaseDecayed(sum, other.referenceMs, halfLifeMs)
  sum.value += other.value * 2 ** Math.round((other.referenceMs - sum.referenceMs) / halfLifeMs)
}

/** Moves the landmark of `sum` to `referenceMs`, a whole number of half-lives away, without changing what it says. */
export function rebaseDecayed(sum: DecayedSum, referenceMs: number, halfLifeMs: number): void {
  sum.value *= 2 ** Math.round((sum.referenceMs - referenceMs) / halfLifeMs)
  sum.referenceMs = referenceMs
}
