/** A quadrature rule on [−1, 1] that also gives the running integral. */
export interface QuadratureRule {
  readonly nodes: Float64Array
  readonly weights: Float64Array
  /** integrals[q · order + r]: weight of node r in ∫ from −1 to node q, exact for polynomials below `order`. */
  readonly integrals: Float64Array
}

const order = 16

/** The Gauss–Legendre rule with 16 nodes. */
export const gaussLegendre: QuadratureRule = makeRule()

function makeRule(): QuadratureRule {
  const nodes = new Float64Array(order)
  const weights = new Float64Array(order)
  for (let q = 0; q < order; q++) {
    let x = -Math.cos((Math.PI * (q + 0.75)) / (order + 0.5))
    for (let n = 0; n < 100; n++) {
      const step = legendre(order, x) / slope(x)
      x -= step
      if (Math.abs(step) < 1e-16) break
    }
    nodes[q] = x
    weights[q] = 2 / ((1 - x * x) * slope(x) ** 2)
  }
  return { nodes, weights, integrals: runningIntegrals(nodes, weights) }
}

/**
 * f ≈ Σ_n c_n P_n with c_n = (2n + 1)/2 Σ_r w_r f_r P_n(x_r), and ∫ P_n from −1 to x = (P_{n+1}(x) − P_{n−1}(x)) / (2n + 1),
 * for n = 0: x + 1.
 */
function runningIntegrals(nodes: Float64Array, weights: Float64Array): Float64Array {
  const integrals = new Float64Array(order * order)
  for (let q = 0; q < order; q++) {
    const x = nodes[q]!
    for (let r = 0; r < order; r++) {
      let sum = (x + 1) / 2
      for (let n = 1; n < order; n++) sum += 0.5 * legendre(n, nodes[r]!) * (legendre(n + 1, x) - legendre(n - 1, x))
      integrals[q * order + r] = weights[r]! * sum
    }
  }
  return integrals
}

/** P_n(x) by recurrence. */
function legendre(n: number, x: number): number {
  let before = 1
  let value = n === 0 ? 1 : x
  for (let k = 2; k <= n; k++) [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k]
  return value
}

function slope(x: number): number {
  return (order * (x * legendre(order, x) - legendre(order - 1, x))) / (x * x - 1)
}
