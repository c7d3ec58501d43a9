import { invariant } from '../core/invariant.ts'
import { bordaMerge } from './borda.ts'
import type { TalliedItems } from './point-tally.ts'

/** One source for a person of whom little is known. */
export interface EvidenceTier {
  /** n ≥ 0: how much is known, in the tier's own units (people of the group, choices made, distinct items touched). */
  readonly evidence: number
  /** k > 0: how much makes it worth half of what the tiers above left. */
  readonly half: number
}

/** A tier with what it would show, best first, without repeats. */
export interface EvidenceSource extends EvidenceTier {
  readonly items: Int32Array
}

/**
 * Weights for a person of whom little is known, without a switch anywhere (features.md F6.6): each tier takes n / (n + k) of what the
 * tiers before it left. Tiers from most to least personal (personal, onboarding, demographic group); what all leave belongs to
 * the base (trend) and is the last entry. Sums to 1; the first tier goes to 1 as its evidence grows.
 */
export function evidenceWeights(tiers: readonly EvidenceTier[]): Float64Array {
  const weights = new Float64Array(tiers.length + 1)
  let left = 1
  tiers.forEach(({ evidence, half }, tier) => {
    invariant(evidence >= 0 && half > 0, 'evidence weights: evidence must be ≥ 0 and half > 0')
    // Of endless evidence too.
    weights[tier] = left * (evidence === Number.POSITIVE_INFINITY ? 1 : evidence / (evidence + half))
    left -= weights[tier]!
  })
  weights[tiers.length] = left
  return weights
}

/**
 * Merges the tiers' items by weighted Borda with `evidenceWeights`; points of the same item add up. A tier without items counts as
 * without evidence, so that its weight goes to the next and not to all alike. The weights are told, the base's last.
 */
export function blendByEvidence(
  tiers: readonly EvidenceSource[],
  base: Int32Array,
  options: { readonly depth?: number; readonly count?: number } = {},
): TalliedItems & { readonly weights: Float64Array } {
  const weights = evidenceWeights(tiers.map((tier) => (tier.items.length > 0 ? tier : { ...tier, evidence: 0 })))
  const sources = [...tiers.map(({ items }) => items), base].map((items, tier) => ({ items, weight: weights[tier]! }))
  return { ...bordaMerge(sources, options), weights }
}
