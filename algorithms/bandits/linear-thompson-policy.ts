import type { Random } from '../../core/random.ts'
import { sampleNormal } from '../sample.ts'
import { linearCandidates } from './linear-candidates.ts'
import { type LinearArm, linearArmOf, linearWidth, observeLinear } from './linear-sums.ts'
import { normalThompson } from './normal-thompson.ts'
import { type ArmSums, type Chances, type Choices, type Policy, placeOfBest } from './policy.ts'

/** Settings of `linearThompsonPolicy`. */
export interface LinearThompsonOptions {
  /** v > 0: the posterior's width, the standard deviation of one reward (.5). */
  readonly width?: number
  /** Ridge, > 0 (1). */
  readonly lambda?: number
  /** One θ for all arms: their scores move together, so chances are counted from draws (false). */
  readonly shared?: boolean
  /** Draws with a shared θ, 10–100,000 (1,000). */
  readonly draws?: number
}

/** The arm under which a shared θ is kept. */
export const sharedArm = '*'

/**
 * Thompson sampling of linear arms (Agrawal & Goyal, ICML 2013): θ ~ N(A⁻¹b, v²A⁻¹). Disjoint arms are independent normals at their
 * candidates, so chances are exact; with `shared` θ̃ = θ + v·L⁻ᵀz by back-substitution, chances are counted, and no candidate has less than
 * one draw.
 */
export function linearThompsonPolicy(options: LinearThompsonOptions = {}): Policy {
  const { width = 0.5, lambda = 1, shared = false, draws = 1_000 } = options
  const sharedOf = (choices: Choices, sums: ArmSums) => linearArmOf(sums.get(sharedArm), choices.width, lambda)
  const disjoint = normalThompson((choices, sums) => {
    const candidates = linearCandidates(choices, sums, lambda)
    return {
      means: Float64Array.from(candidates, ({ arm, x }) => arm.mean(x)),
      deviations: Float64Array.from(candidates, ({ arm, x }) => width * Math.sqrt(arm.spread(x))),
    }
  })
  return {
    name: 'linear-thompson',
    armOf: (arm) => (shared ? sharedArm : arm),
    width: linearWidth,
    observe: observeLinear,
    chances: (choices, sums, random) =>
      shared ? drawnChances(choices, sharedOf(choices, sums), { width, draws }, random) : disjoint.chances(choices, sums, random),
    draw: (choices, sums, random) =>
      shared ? placeOfBest(drawScores(choices, sharedOf(choices, sums), width, random)) : disjoint.draw(choices, sums, random),
    expected: () => Number.NaN,
  }
}

function drawnChances(
  choices: Choices,
  arm: LinearArm,
  { width, draws }: { readonly width: number; readonly draws: number },
  random: Random,
): Chances {
  // One vote of each candidate's own: what nobody drew could still have been drawn.
  const votes = new Float64Array(choices.arms.length).fill(1)
  for (let draw = 0; draw < draws; draw++) votes[placeOfBest(drawScores(choices, arm, width, random))]! += 1
  return { values: votes.map((vote) => vote / (draws + votes.length)), draws }
}

/** What each candidate would bring by one θ from the posterior. */
function drawScores({ arms, features, width: d }: Choices, arm: LinearArm, width: number, random: Random): Float64Array {
  const theta = drawTheta(arm, width, random)
  const scores = new Float64Array(arms.length)
  for (let place = 0; place < scores.length; place++)
    for (let i = 0; i < d; i++) scores[place]! += features[place * d + i]! * theta[i]!
  return scores
}

/** θ + v·L⁻ᵀz. */
function drawTheta({ factor, features: d, theta }: LinearArm, width: number, random: Random): Float64Array {
  const out = new Float64Array(d)
  for (let i = d - 1; i >= 0; i--) {
    let value = sampleNormal(random)
    for (let k = i + 1; k < d; k++) value -= factor[k * d + i]! * out[k]!
    out[i] = value / factor[i * d + i]!
  }
  for (let i = 0; i < d; i++) out[i] = theta[i]! + width * out[i]!
  return out
}
