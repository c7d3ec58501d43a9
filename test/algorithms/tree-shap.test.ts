import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Tree, treeShap } from '../../algorithms/tree-shap.ts'

/** Written by LightGBM itself: see tree-shap.py beside it. */
const golden = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'golden', 'tree-shap.json'), 'utf8')) as {
  readonly columns: readonly string[]
  readonly base: number
  readonly trees: readonly Record<keyof Tree, number[]>[]
  readonly rows: readonly number[][]
  readonly contributions: readonly number[][]
  readonly scores: readonly number[]
}
const forest = golden.trees.map(treeOf)

function treeOf({ feature, threshold, left, right, value, cover }: Record<keyof Tree, number[]>): Tree {
  return {
    feature: Int32Array.from(feature),
    threshold: Float32Array.from(threshold),
    left: Int32Array.from(left),
    right: Int32Array.from(right),
    value: Float32Array.from(value),
    cover: Float64Array.from(cover),
  }
}

/** Mean of the leaves when only the columns of a coalition are known (Algorithm 1 of the paper). */
function known(tree: Tree, row: Float32Array, coalition: number, node = 0): number {
  const column = tree.feature[node]!
  if (column < 0) return tree.value[node]!
  const [left, right] = [tree.left[node]!, tree.right[node]!]
  if (coalition & (1 << column)) return known(tree, row, coalition, row[column]! <= tree.threshold[node]! ? left : right)
  const of = (child: number) => (tree.cover[child]! / tree.cover[node]!) * known(tree, row, coalition, child)
  return of(left) + of(right)
}

/** The definition: over every coalition of the other columns, weighted by how many orders reach it. */
function enumerated(trees: readonly Tree[], row: Float32Array): number[] {
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
  const width = row.length
  const worth = (coalition: number) => trees.reduce((sum, tree) => sum + known(tree, row, coalition), 0)
  const worths = Array.from({ length: 1 << width }, (_, coalition) => worth(coalition))
  return Array.from({ length: width }, (_, column) => {
    let sum = 0
    for (let coalition = 0; coalition < 1 << width; coalition++) {
      if (coalition & (1 << column)) continue
      const size = coalition.toString(2).replaceAll('0', '').length
      const weight = (factorial(size) * factorial(width - size - 1)) / factorial(width)
      sum += weight * (worths[coalition | (1 << column)]! - worths[coalition]!)
    }
    return sum
  })
}

describe('tree shap', () => {
  it('gives the values that LightGBM gives, its scores and its base', () => {
    for (const [at, numbers] of golden.rows.entries()) {
      const { score, base, contributions } = treeShap(forest, Float32Array.from(numbers))
      expect(base).toBeCloseTo(golden.base, 6)
      expect(score).toBeCloseTo(golden.scores[at]!, 6)
      for (const [column, name] of golden.columns.entries())
        expect(contributions[column], `row ${at}, column ${name}`).toBeCloseTo(golden.contributions[at]![column]!, 6)
    }
  })

  it('gives what the enumeration of all coalitions gives, also where a path asks a column more than once', () => {
    const repeats = forest.some((tree) => tree.left.some((left, node) => left > 0 && tree.feature[left] === tree.feature[node]))
    expect(repeats, 'the golden trees ask a column twice in a row').toBe(true)
    for (const numbers of golden.rows) {
      const row = Float32Array.from(numbers)
      const { contributions } = treeShap(forest, row)
      for (const [column, value] of enumerated(forest, row).entries()) expect(contributions[column]).toBeCloseTo(value, 9)
    }
  })

  it('sums to the score; a column that no tree asks adds nothing, and a tree of one leaf is all base', () => {
    const row = Float32Array.from([...golden.rows[0]!, 42])
    const leaf = treeOf({ feature: [-1], threshold: [0], left: [0], right: [0], value: [0.5], cover: [600] })
    const { score, base, contributions } = treeShap([...forest, leaf], row)
    expect(contributions[5]).toBe(0)
    expect(base).toBeCloseTo(golden.base + 0.5, 6)
    expect(base + contributions.reduce((sum, one) => sum + one, 0)).toBeCloseTo(score, 9)
    expect(() => treeShap(forest, row.subarray(0, 2))).toThrow('asks column')
  })
})
