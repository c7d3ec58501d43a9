/** A point with its value. */
export interface Minimum {
  readonly point: Float64Array
  readonly value: number
  /** Whether the simplex became as small as asked before the steps ran out. */
  readonly converged: boolean
}

/**
 * Minimises a function of a few numbers without derivatives by the simplex of Nelder and Mead (Computer Journal 1965), adaptive
 * coefficients after Gao and Han (2012). Values that are not numbers count as infinitely bad, so a function may refuse points.
 */
export function nelderMead(
  value: (point: Float64Array) => number,
  start: Float64Array,
  { step = 0.5, tolerance = 1e-9, stepsMax = 5_000 } = {},
): Minimum {
  const n = start.length
  const asked = (point: Float64Array): Vertex => {
    const at = value(point)
    return { point, value: Number.isNaN(at) ? Number.POSITIVE_INFINITY : at }
  }
  let simplex: Vertex[] = [asked(start.slice())]
  for (let i = 0; i < n; i++) {
    const point = start.slice()
    point[i]! += step
    simplex.push(asked(point))
  }
  const [expansion, contraction, shrinkage] = [1 + 2 / n, 0.75 - 1 / (2 * n), 1 - 1 / n]
  for (let steps = 0; steps < stepsMax; steps++) {
    simplex.sort((a, b) => a.value - b.value)
    const [best, worst, second] = [simplex[0]!, simplex[n]!, simplex[n - 1]!]
    if (sizeOf(simplex) < tolerance && Math.abs(worst.value - best.value) < tolerance) return { ...best, converged: true }
    const centre = centreOf(simplex.slice(0, n))
    const towards = (factor: number): Vertex => asked(centre.map((c, i) => c + factor * (c - worst.point[i]!)))
    const reflected = towards(1)
    if (reflected.value < best.value) {
      const expanded = towards(expansion)
      simplex[n] = expanded.value < reflected.value ? expanded : reflected
      continue
    }
    if (reflected.value < second.value) {
      simplex[n] = reflected
      continue
    }
    const contracted = towards(reflected.value < worst.value ? contraction : -contraction)
    if (contracted.value < Math.min(reflected.value, worst.value)) simplex[n] = contracted
    else
      simplex = simplex.map((vertex, at) =>
        at === 0 ? vertex : asked(best.point.map((b, i) => b + shrinkage * (vertex.point[i]! - b))),
      )
  }
  simplex.sort((a, b) => a.value - b.value)
  return { ...simplex[0]!, converged: false }
}

interface Vertex {
  readonly point: Float64Array
  readonly value: number
}

function centreOf(vertices: readonly Vertex[]): Float64Array {
  const centre = new Float64Array(vertices[0]!.point.length)
  for (const { point } of vertices) for (let i = 0; i < centre.length; i++) centre[i]! += point[i]! / vertices.length
  return centre
}

function sizeOf(simplex: readonly Vertex[]): number {
  let size = 0
  for (const { point } of simplex)
    for (let i = 0; i < point.length; i++) size = Math.max(size, Math.abs(point[i]! - simplex[0]!.point[i]!))
  return size
}
