import { betaPosteriors } from './best-arm.ts'
import { type PanelNode, type Posteriors, walkPosteriors } from './walk-posteriors.ts'

/**
 * Chance of each arm to hold each of the first `ranks` places when arms are ordered by one draw from each of their Beta posteriors: the
 * exact propensities of a Thompson slate. ranks × arms, row-major; every row sums to 1, error about 1e-9.
 *
 * P(k at rank r) = ∫ f_k · P(exactly r of the others lie above) dx, a Poisson binomial of 1 − F_j, by O(arms · ranks) steps per arm and node.
 */
export function betaRankProbabilities(alphas: Float64Array, betas: Float64Array, ranks: number): Float64Array {
  return rankProbabilities(betaPosteriors(alphas, betas), Math.min(ranks, alphas.length))
}

function rankProbabilities(posteriors: Posteriors, ranks: number): Float64Array {
  const count = posteriors.arms.length
  const chances = new Float64Array(ranks * count)
  const before = new Float64Array((count + 1) * ranks)
  const after = new Float64Array((count + 1) * ranks)
  walkPosteriors(posteriors, (node) => {
    countAbove(before, after, node, count, ranks)
    for (let arm = 0; arm < count; arm++) {
      const mass = node.weight * node.density[arm * node.stride + node.at]!
      if (mass === 0) continue
      for (let rank = 0; rank < ranks; rank++) {
        let chance = 0
        for (let above = 0; above <= rank; above++)
          chance += before[arm * ranks + above]! * after[(arm + 1) * ranks + rank - above]!
        chances[rank * count + arm]! += mass * chance
      }
    }
  })
  for (let rank = 0; rank < ranks; rank++) {
    const row = chances.subarray(rank * count, (rank + 1) * count)
    const sum = row.reduce((a, b) => a + b, 0)
    for (let arm = 0; arm < count; arm++) row[arm] = Math.max(0, row[arm]!) / sum
  }
  return chances
}

/** How many of the arms before, and of the arms from each one on, lie above the node: chances of 0 to ranks − 1, without division. */
function countAbove(
  before: Float64Array,
  after: Float64Array,
  { cumulated, stride, at }: PanelNode,
  count: number,
  ranks: number,
): void {
  before.fill(0)
  after.fill(0)
  before[0] = 1
  after[count * ranks] = 1
  for (let arm = 0; arm < count; arm++) addArm(before, arm * ranks, (arm + 1) * ranks, cumulated[arm * stride + at]!, ranks)
  for (let arm = count - 1; arm >= 0; arm--) addArm(after, (arm + 1) * ranks, arm * ranks, cumulated[arm * stride + at]!, ranks)
}

function addArm(table: Float64Array, from: number, to: number, below: number, ranks: number): void {
  for (let above = 0; above < ranks; above++)
    table[to + above] = below * table[from + above]! + (above > 0 ? (1 - below) * table[from + above - 1]! : 0)
}
