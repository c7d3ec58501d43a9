import { gaussLegendre } from './gauss-legendre.ts'

/** The posterior of one arm on an axis where it is smooth, with the place and width of its bulk. */
export interface Posterior {
  /** `common`: what the arms' `common` says of t. */
  readonly logDensity: (t: number, common: number) => number
  readonly centre: number
  readonly scale: number
}

/** Posteriors of several arms. */
export interface Posteriors {
  readonly arms: readonly Posterior[]
  /** What the densities of all arms take of a place on the axis: computed once for all of them. */
  readonly common: (t: number) => number
}

/** One node of the quadrature: f of each arm times the step, and F of each arm, every `stride` numbers from `at`. */
export interface PanelNode {
  readonly density: Float64Array
  readonly cumulated: Float64Array
  readonly stride: number
  at: number
  weight: number
}

/** Panel borders around an arm's centre in units of its scale; on until the density is below e^−38 of its peak. */
const borders: readonly number[] = [1.25, 2.75, 4.5, 7, 11, 18, 30, 50, 80, 160, 320, 640, 1280, 2560, 5120]
const negligible = -38

/**
 * Walks along the axis of all arms: panels between all arms' borders, a Gauss–Legendre rule in each; its running integral gives F beside
 * f for one price. `visit` sees every node; Σ weight · g over them is the integral of g. The node is reused.
 */
export function walkPosteriors({ arms, common }: Posteriors, visit: (node: PanelNode) => void): void {
  const { nodes, weights, integrals } = gaussLegendre
  const order = nodes.length
  const ranges = arms.map((arm) => rangeOf(arm, common))
  const edges = panelEdges(ranges.flatMap((range) => range.edges))
  const below = new Float64Array(arms.length)
  const density = new Float64Array(arms.length * order)
  const cumulated = new Float64Array(arms.length * order)
  const places = new Float64Array(order)
  const shared = new Float64Array(order)
  const node: PanelNode = { density, cumulated, stride: order, at: 0, weight: 0 }
  for (let panel = 0; panel + 1 < edges.length; panel++) {
    const left = edges[panel]!
    const right = edges[panel + 1]!
    const half = (right - left) / 2
    for (let q = 0; q < order; q++) {
      places[q] = left + half * (1 + nodes[q]!)
      shared[q] = common(places[q]!)
    }
    for (let arm = 0; arm < arms.length; arm++) {
      const at = arm * order
      const { low, high } = ranges[arm]!
      if (right <= low || left >= high) {
        density.fill(0, at, at + order)
        cumulated.fill(below[arm]!, at, at + order)
        continue
      }
      let total = 0
      for (let q = 0; q < order; q++) {
        density[at + q] = half * Math.exp(arms[arm]!.logDensity(places[q]!, shared[q]!))
        total += weights[q]! * density[at + q]!
      }
      for (let q = 0; q < order; q++) {
        let sum = below[arm]!
        for (let r = 0; r < order; r++) sum += integrals[q * order + r]! * density[at + r]!
        cumulated[at + q] = sum
      }
      below[arm]! += total
    }
    for (let q = 0; q < order; q++) {
      node.at = q
      node.weight = weights[q]!
      visit(node)
    }
  }
}

/** A border between panels, with the length of the panel that its arm has there. */
interface Edge {
  readonly at: number
  readonly step: number
}

/** Borders of an arm's panels and where its density is worth computing. */
function rangeOf(
  arm: Posterior,
  common: Posteriors['common'],
): { readonly edges: Edge[]; readonly low: number; readonly high: number } {
  const peak = arm.logDensity(arm.centre, common(arm.centre))
  const edges = [{ at: arm.centre, step: borders[0]! * arm.scale }]
  for (const side of [-1, 1]) {
    let before = 0
    for (const border of borders) {
      const at = arm.centre + side * border * arm.scale
      edges.push({ at, step: (border - before) * arm.scale })
      before = border
      if (arm.logDensity(at, common(at)) - peak < negligible) break
    }
  }
  const places = edges.map((edge) => edge.at)
  return { edges, low: Math.min(...places), high: Math.max(...places) }
}

/** All arms' borders in order, less those so near the one before that no arm needs both. */
function panelEdges(edges: Edge[]): number[] {
  edges.sort((a, b) => a.at - b.at)
  const kept: Edge[] = []
  for (const edge of edges) {
    const before = kept.at(-1)
    if (before === undefined || edge.at - before.at > 0.4 * Math.min(edge.step, before.step)) kept.push(edge)
    else if (edge.step < before.step) kept[kept.length - 1] = { at: before.at, step: edge.step }
  }
  return kept.map((edge) => edge.at)
}
