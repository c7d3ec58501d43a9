import { fnv1a32 } from '../core/hash.ts'

/** One arm of an experiment. */
export interface Variant {
  /** `trend` serves the trend list; any other name serves the person's own list. */
  readonly name: string
  /** Share of people, 0–1; the weights of an experiment sum to 1. */
  readonly weight: number
}

/** A running experiment over policies (features.md F10.1, F10.2). */
export interface Experiment {
  /** Also the salt of the hash: experiments with different names split people independently. */
  readonly name: string
  readonly variants: readonly Variant[]
  /** Share of people in the experiment at all, 0–1; 1 if absent. Raising it moves nobody to another variant. */
  readonly coverage?: number
}

/** GrowthBook's hash (version 2) of a value under a seed: one of 0, 0.0001, … 0.9999. */
export function hashUnit(seed: string, value: string): number {
  return (fnv1a32(String(fnv1a32(seed + value))) % 10_000) / 10_000
}

/** The variant a person is in, or null outside the coverage: the same for ever, on every copy of the gateway. */
export function assignVariant(experiment: Experiment, userId: string): string | null {
  const unit = hashUnit(experiment.name, userId)
  const coverage = experiment.coverage ?? 1
  let start = 0
  for (const { name, weight } of experiment.variants) {
    // Coverage shrinks each range in place, so that ramping up re-buckets nobody.
    if (unit >= start && unit < start + weight * coverage) return name
    start += weight
  }
  return null
}
