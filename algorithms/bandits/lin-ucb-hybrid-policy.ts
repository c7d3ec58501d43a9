import { choleskyFactor, choleskySolve } from '../cholesky.ts'
import { LinearArm } from './linear-sums.ts'
import { type ArmSums, type Choices, type Observation, only, type Policy, placeOfBest } from './policy.ts'
import { SumsMemo } from './sums-memo.ts'

/** Settings of `linUcbHybridPolicy`. */
export interface LinUcbHybridOptions {
  /** How many of a row's first numbers are z, shared by all arms; the others are x of the arm. At least 1. */
  readonly shared: number
  /** Width of the bonus, ≥ 0 (1). */
  readonly alpha?: number
}

/**
 * LinUCB with hybrid arms (Li, Chu, Langford, Schapire, WWW 2010, algorithm 2), in a form that merges: per arm the raw sums Σxxᵀ, Σxzᵀ,
 * Σzzᵀ, Σrx, Σrz, from which A₀ = I + Σ(Σzzᵀ − BᵀA⁻¹B) and b₀ = Σ(Σrz − BᵀA⁻¹b) are made when they are asked; the paper's running A₀
 * and b₀ depend on the order of events and do not add. All arms that were ever seen count, not only today's candidates.
 */
export function linUcbHybridPolicy({ shared, alpha = 1 }: LinUcbHybridOptions): Policy {
  return {
    name: 'lin-ucb-hybrid',
    armOf: (arm) => arm,
    width: (features) => layoutOf(features, shared).width,
    observe: (sums, observation) => observeHybrid(sums, observation, shared),
    chances: (choices, sums) => only(placeOfBest(linUcbHybridScores(choices, sums, { shared, alpha })), choices.arms.length),
    expected: () => Number.NaN,
  }
}

const factored = new SumsMemo<HybridArm>()

/** The upper bound of each candidate. */
export function linUcbHybridScores(
  { arms, features, width }: Choices,
  sums: ArmSums,
  { shared: k, alpha }: Required<LinUcbHybridOptions>,
): Float64Array {
  const layout = layoutOf(width, k)
  const known = new Map([...sums].map(([name, arm]) => [name, factored.of(arm, k, () => new HybridArm(arm, layout))]))
  const unseen = new HybridArm(undefined, layout)
  const common = new Common([...known.values()], layout)
  return Float64Array.from(arms, (name, place) => {
    const arm = known.get(name) ?? unseen
    const row = features.subarray(place * width, (place + 1) * width)
    return common.bound(arm, row.subarray(0, k), row.subarray(k), alpha)
  })
}

/** Where an arm's sums lie: Σxxᵀ and Σrx as in a linear arm of d features, then Σxzᵀ (d × k), Σzzᵀ (k × k), Σrz (k). */
interface Layout {
  readonly k: number
  readonly d: number
  readonly mixedAt: number
  readonly sharedAt: number
  readonly rewardAt: number
  readonly width: number
}

function layoutOf(features: number, k: number): Layout {
  const d = features - k
  const mixedAt = (d * (d + 1)) / 2 + d + 2
  const sharedAt = mixedAt + d * k
  const rewardAt = sharedAt + k * k
  return { k, d, mixedAt, sharedAt, rewardAt, width: d < 0 ? 0 : rewardAt + k }
}

function observeHybrid(sums: Float64Array, { features, reward, weight }: Observation, k: number): void {
  const { d, mixedAt, sharedAt, rewardAt } = layoutOf(features.length, k)
  const z = features.subarray(0, k)
  const x = features.subarray(k)
  let at = 0
  for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) sums[at++]! += weight * x[i]! * x[j]!
  for (let i = 0; i < d; i++) sums[at++]! += weight * reward * x[i]!
  sums[at]! += weight
  sums[at + 1]! += weight * reward * reward
  for (let i = 0; i < d; i++) for (let j = 0; j < k; j++) sums[mixedAt + i * k + j]! += weight * x[i]! * z[j]!
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) sums[sharedAt + i * k + j]! += weight * z[i]! * z[j]!
  for (let i = 0; i < k; i++) sums[rewardAt + i]! += weight * reward * z[i]!
}

/** One arm: A = I + Σxxᵀ, and what it takes from the shared part. */
class HybridArm {
  readonly own: LinearArm
  readonly sums: Float64Array
  /** A⁻¹B by columns of z: k vectors of d numbers. */
  readonly solved: readonly Float64Array[]

  constructor(sums: Float64Array | undefined, layout: Layout) {
    const { k, d, mixedAt } = layout
    this.sums = sums ?? new Float64Array(layout.width)
    this.own = new LinearArm(this.sums, d, 1)
    this.solved = Array.from({ length: k }, (_, j) => {
      const column = Float64Array.from({ length: d }, (_, i) => this.sums[mixedAt + i * k + j]!)
      choleskySolve(this.own.factor, d, column)
      return column
    })
  }
}

/** A₀ and β = A₀⁻¹b₀ over all arms. */
class Common {
  readonly #layout: Layout
  readonly #factor: Float64Array
  readonly #beta: Float64Array

  constructor(arms: readonly HybridArm[], layout: Layout) {
    const { k, d, mixedAt, sharedAt, rewardAt } = layout
    const matrix = new Float64Array(k * k)
    const beta = new Float64Array(k)
    for (let i = 0; i < k; i++) matrix[i * k + i] = 1
    for (const { sums, solved, own } of arms)
      for (let i = 0; i < k; i++) {
        // BᵀA⁻¹b = (column i of B) · θ of the arm alone.
        beta[i]! += sums[rewardAt + i]!
        for (let row = 0; row < d; row++) beta[i]! -= sums[mixedAt + row * k + i]! * own.theta[row]!
        for (let j = 0; j < k; j++) {
          let value = sums[sharedAt + i * k + j]!
          for (let row = 0; row < d; row++) value -= sums[mixedAt + row * k + i]! * solved[j]![row]!
          matrix[i * k + j]! += value
        }
      }
    choleskyFactor(matrix, k)
    choleskySolve(matrix, k, beta)
    this.#layout = layout
    this.#factor = matrix
    this.#beta = beta
  }

  /** zᵀβ + xᵀ(θ − A⁻¹Bβ) + α√s, with s = (z − BᵀA⁻¹x)ᵀA₀⁻¹(z − BᵀA⁻¹x) + xᵀA⁻¹x: the paper's four terms as two squares. */
  bound({ own, solved }: HybridArm, z: Float64Array, x: Float64Array, alpha: number): number {
    const { k } = this.#layout
    const rest = Float64Array.from(z)
    let score = own.mean(x)
    for (let j = 0; j < k; j++) {
      for (let i = 0; i < x.length; i++) rest[j]! -= solved[j]![i]! * x[i]!
      score += rest[j]! * this.#beta[j]!
    }
    const half = Float64Array.from(rest)
    choleskySolve(this.#factor, k, half)
    let spread = own.spread(x)
    for (let j = 0; j < k; j++) spread += rest[j]! * half[j]!
    return score + alpha * Math.sqrt(Math.max(0, spread))
  }
}
