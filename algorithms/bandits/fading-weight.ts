import { invariant } from '../../core/invariant.ts'

/** Half-lives after which sums are brought to a new reference time, far from the end of a double. */
const halfLivesMax = 64

/**
 * The weight of an observation in sums that fade: 2^((t − reference) / half-life). Sums are kept as of a reference time, so adding and
 * merging stay addition in any order of time; reading them at `now` multiplies by `fadingWeight(reference, now, halfLife)`. 1 with a
 * half-life of 0: nothing fades.
 */
export function fadingWeight(timeMs: number, referenceMs: number, halfLifeMs: number): number {
  invariant(halfLifeMs >= 0, 'a half-life must not be negative')
  return halfLifeMs === 0 ? 1 : 2 ** ((timeMs - referenceMs) / halfLifeMs)
}

/** The reference time for an observation at `timeMs`: the old one, or a whole number of half-lives later once weights grow large. */
export function fadingReference(timeMs: number, referenceMs: number, halfLifeMs: number): number {
  if (halfLifeMs === 0) return referenceMs
  const halfLives = Math.floor((timeMs - referenceMs) / halfLifeMs)
  return halfLives > halfLivesMax ? referenceMs + halfLives * halfLifeMs : referenceMs
}

/** Sums as of a later reference time, in place. */
export function moveReference(sums: Float64Array, fromMs: number, toMs: number, halfLifeMs: number): void {
  if (fromMs === toMs) return
  const factor = fadingWeight(fromMs, toMs, halfLifeMs)
  for (let i = 0; i < sums.length; i++) sums[i]! *= factor
}
