import { createRandom, type Random } from '../../core/random.ts'
import { voteShares } from '../exploration.ts'
import { LinearArm, linearWidth, observeLinear } from './linear-sums.ts'
import { type ArmSums, type Choices, exactly, type Policy, placeOfBest } from './policy.ts'
import { SumsMemo } from './sums-memo.ts'

/** Settings of `bagPolicy`. */
export interface BagOptions {
  /** Learners, 2–100 (10): chances are multiples of 1 / learners. */
  readonly learners?: number
  /** Ridge of each, > 0 (1). */
  readonly lambda?: number
}

/**
 * Online bootstrap (Agarwal et al., ICML 2014; Oza & Russell 2001): each learner, a ridge regression per arm, sees an observation
 * Poisson(1) times, drawn from the decision's id and so the same in a replay. Chances are the learners' votes.
 */
export function bagPolicy({ learners = 10, lambda = 1 }: BagOptions = {}): Policy {
  const factored = new SumsMemo<LinearArm[]>()
  const armOf = (sums: Float64Array | undefined, learner: number, d: number): LinearArm => {
    if (!sums) return new LinearArm(undefined, d, lambda)
    const each = linearWidth(d)
    const own = factored.of(sums, 0, () => [])
    own[learner] ??= new LinearArm(sums.subarray(learner * each, (learner + 1) * each), d, lambda)
    return own[learner]
  }
  const voteOf = (learner: number, { arms, features, width: d }: Choices, sums: ArmSums): number => {
    const votes = Float64Array.from(arms, (name, place) => {
      const arm = armOf(sums.get(name), learner, d)
      return arm.mean(features.subarray(place * d, (place + 1) * d))
    })
    return placeOfBest(votes)
  }
  return {
    name: 'bag',
    armOf: (arm) => arm,
    width: (features) => learners * linearWidth(features),
    observe: (sums, observation) => {
      const random = createRandom(`bag ${observation.seed}`)
      const each = sums.length / learners
      for (let learner = 0; learner < learners; learner++) {
        const times = poissonOne(random)
        if (times === 0) continue
        const own = sums.subarray(learner * each, (learner + 1) * each)
        observeLinear(own, { ...observation, weight: observation.weight * times })
      }
    },
    chances: (choices, sums) => {
      const votes = Array.from({ length: learners }, (_, learner) => voteOf(learner, choices, sums))
      return exactly(voteShares(votes, choices.arms.length))
    },
    draw: (choices, sums, random) => voteOf(random.below(learners), choices, sums),
    expected: () => Number.NaN,
  }
}

/** A Poisson(1) draw by inversion: at most 12 in practice. */
function poissonOne(random: Random): number {
  const u = random.next()
  let chance = Math.exp(-1)
  let below = chance
  let count = 0
  while (u >= below && count < 20) {
    count++
    chance /= count
    below += chance
  }
  return count
}
