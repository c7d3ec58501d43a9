import { invariant } from '../core/invariant.ts'

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
 * Weighted Borda of the tiers' items with `evidenceWeights`: place n of a tier adds weight · (depth − n) / depth to `points[item]`. A tier
 * without items counts as without evidence, so that its weight goes to the next and not to all alike; what a base without items would get
 * goes to all. Returns the weights, the base's last.
 *
 * @param points one per item number, ≥ 0 as they come.
 */
export function blendByEvidence(
  tiers: readonly EvidenceSource[],
  base: Int32Array,
  points: Float64Array,
  depth = 50,
): Float64Array {
  const weights = evidenceWeights(tiers.map((tier) => (tier.items.length > 0 ? tier : { ...tier, evidence: 0 })))
  const shared = base.length > 0 ? 1 : 1 - weights[tiers.length]!
  for (let tier = 0; tier <= tiers.length; tier++) {
    const items = tier < tiers.length ? tiers[tier]!.items : base
    if (!(weights[tier]! > 0) || items.length === 0) continue
    weights[tier]! /= shared
    for (let n = 0; n < Math.min(depth, items.length); n++) points[items[n]!]! += (weights[tier]! * (depth - n)) / depth
  }
  return weights
}
