import type { QuadratureRule } from './gauss-legendre.ts'

/** A Gauss–Hermite rule of so many nodes against the standard normal density: Σ weight·g(node) ≈ E[g(Z)]. */
export function gaussHermite(order: number): Pick<QuadratureRule, 'nodes' | 'weights'> {
  const nodes = new Float64Array(order)
  const weights = new Float64Array(order)
  // Newton from the largest root down, on orthonormal polynomials that neither overflow nor vanish.
  let x = 0
  for (let i = 0; i < Math.ceil(order / 2); i++) {
    x = firstGuess(i, order, x, nodes)
    let slope = 1
    for (let step = 0; step < 100; step++) {
      let before = 0
      let value = Math.PI ** -0.25
      for (let n = 0; n < order; n++) {
        const next = x * Math.sqrt(2 / (n + 1)) * value - Math.sqrt(n / (n + 1)) * before
        before = value
        value = next
      }
      slope = Math.sqrt(2 * order) * before
      const change = value / slope
      x -= change
      if (Math.abs(change) <= 1e-15 * Math.max(1, Math.abs(x))) break
    }
    const weight = 2 / (slope * slope) / Math.sqrt(Math.PI)
    nodes[i] = x * Math.SQRT2
    nodes[order - 1 - i] = -x * Math.SQRT2
    weights[i] = weight
    weights[order - 1 - i] = weight
  }
  return { nodes, weights }
}

/** Where the i-th largest root about lies (Press et al., Numerical Recipes, section 4.5). */
function firstGuess(i: number, order: number, last: number, nodes: Float64Array): number {
  const root = (at: number): number => nodes[at]! / Math.SQRT2
  if (i === 0) return Math.sqrt(2 * order + 1) - 1.85575 * (2 * order + 1) ** -0.16667
  if (i === 1) return last - (1.14 * order ** 0.426) / last
  if (i === 2) return 1.86 * last - 0.86 * root(0)
  if (i === 3) return 1.91 * last - 0.91 * root(1)
  return 2 * last - root(i - 2)
}
