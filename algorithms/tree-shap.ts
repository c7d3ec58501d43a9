import { invariant } from '../core/invariant.ts'

/** One boosted tree: nodes by number, the root first; a row goes left where its feature is at most the threshold. */
export interface Tree {
  /** The column a node asks; −1 = a leaf. */
  readonly feature: Int32Array
  readonly threshold: Float32Array
  readonly left: Int32Array
  readonly right: Int32Array
  /** What a leaf adds to the score. */
  readonly value: Float32Array
  /** Training rows that came by. */
  readonly cover: Float64Array
}

/** SHAP values of one row. */
export interface TreeContributions {
  /** Sum of the leaves that the row reaches; `base` + the sum of `contributions`. */
  readonly score: number
  /** Mean score of the training rows. */
  readonly base: number
  /** One per column. */
  readonly contributions: Float64Array
}

/**
 * Exact SHAP values of boosted trees for one row, path-dependent: a column that is not known yet is averaged over the training rows that
 * came by (Lundberg, Erion and Lee 2018, Algorithm 2). O(trees · leaves · depth²); no sampling, so the same row has always the same.
 */
export function treeShap(trees: readonly Tree[], row: Float32Array): TreeContributions {
  const contributions = new Float64Array(row.length)
  let score = 0
  let base = 0
  for (const tree of trees) {
    score += leafOf(tree, row)
    base += meanOf(tree, 0)
    descend(tree, row, contributions, 0, [], { zero: 1, one: 1, feature: -1 })
  }
  return { score, base, contributions }
}

/** One column of the path to a node: the shares of the training rows and of the row itself that follow the path, and how many ways. */
interface PathPart {
  readonly feature: number
  /** Share of the coalitions without the column that come here: by the training rows. */
  readonly zero: number
  /** 1 if the row itself comes here by its own number, else 0. */
  readonly one: number
  /** Permutation weight of the coalitions with as many columns as this part's place. */
  readonly weight: number
}
type Step = Omit<PathPart, 'weight'>

function descend(tree: Tree, row: Float32Array, out: Float64Array, node: number, before: readonly PathPart[], step: Step): void {
  let path = extend(before, step)
  const feature = tree.feature[node]!
  if (feature < 0) {
    for (let at = 1; at < path.length; at++) {
      const { one, zero, feature: column } = path[at]!
      const weight = unwoundWeights(path, at).reduce((sum, each) => sum + each, 0)
      out[column]! += weight * (one - zero) * tree.value[node]!
    }
    return
  }
  invariant(feature < row.length, `treeShap: a tree asks column ${feature} of ${row.length}`)
  // A column that was asked before counts once: its part is taken out, and what it let through goes on.
  const again = path.findIndex((part, at) => at > 0 && part.feature === feature)
  const held = again < 0 ? { zero: 1, one: 1 } : path[again]!
  if (again >= 0) path = unwind(path, again)
  const isLeft = row[feature]! <= tree.threshold[node]!
  for (const [child, isHot] of [
    [tree.left[node]!, isLeft],
    [tree.right[node]!, !isLeft],
  ] as const) {
    const share = tree.cover[child]! / tree.cover[node]!
    descend(tree, row, out, child, path, { zero: held.zero * share, one: isHot ? held.one : 0, feature })
  }
}

/** A path one column longer; weights are those of Algorithm 2's EXTEND. */
function extend(path: readonly PathPart[], step: Step): PathPart[] {
  const depth = path.length
  const weights = [...path.map(({ weight }) => weight), depth === 0 ? 1 : 0]
  for (let at = depth - 1; at >= 0; at--) {
    weights[at + 1]! += (step.one * weights[at]! * (at + 1)) / (depth + 1)
    weights[at] = (step.zero * weights[at]! * (depth - at)) / (depth + 1)
  }
  return [...path, { ...step, weight: 0 }].map((part, at) => ({ ...part, weight: weights[at]! }))
}

/** The path as if the column at a place had never been asked: Algorithm 2's UNWIND. */
function unwind(path: readonly PathPart[], place: number): PathPart[] {
  const weights = unwoundWeights(path, place)
  return path.filter((_, at) => at !== place).map((part, at) => ({ ...part, weight: weights[at]! }))
}

/** The weights of that shorter path. */
function unwoundWeights(path: readonly PathPart[], place: number): Float64Array {
  const depth = path.length - 1
  const { one, zero } = path[place]!
  const weights = new Float64Array(depth)
  let next = path[depth]!.weight
  for (let at = depth - 1; at >= 0; at--) {
    const { weight } = path[at]!
    if (one === 0) weights[at] = (weight * (depth + 1)) / (zero * (depth - at))
    else {
      weights[at] = (next * (depth + 1)) / ((at + 1) * one)
      next = weight - (weights[at]! * zero * (depth - at)) / (depth + 1)
    }
  }
  return weights
}

/** What the leaf adds that the row reaches. */
function leafOf(tree: Tree, row: Float32Array): number {
  let node = 0
  while (tree.feature[node]! >= 0)
    node = row[tree.feature[node]!]! <= tree.threshold[node]! ? tree.left[node]! : tree.right[node]!
  return tree.value[node]!
}

/** Mean of a node's leaves over the training rows. */
function meanOf(tree: Tree, node: number): number {
  if (tree.feature[node]! < 0) return tree.value[node]!
  const [left, right] = [tree.left[node]!, tree.right[node]!]
  return (tree.cover[left]! * meanOf(tree, left) + tree.cover[right]! * meanOf(tree, right)) / tree.cover[node]!
}
