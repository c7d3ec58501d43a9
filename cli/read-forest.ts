import { rankerFeatureNames } from '../algorithms/ranker-features.ts'
import type { Tree } from '../algorithms/tree-shap.ts'
import { MillraceError } from '../core/errors.ts'
import type { ModelShelf } from '../gpu-workers/model-shelf.ts'

/** Finds the trees of a version of the ranker; null for one that has none, such as a network. Errors: `MILL_MODEL_INVALID`. */
export type ForestOf = (version: string) => Promise<readonly Tree[] | null>

/** Numbers of a tree as models/training/millrace_training/trees.py writes them. */
type TreeNumbers = Readonly<Record<keyof Tree, readonly number[]>>

const nodeColumns = ['feature', 'threshold', 'left', 'right', 'value', 'cover'] as const

/**
 * The trees of a boosted ranker from the text of its `trees.json`. `file` names it in messages. Errors: `MILL_MODEL_INVALID` if it is no
 * such text, if its trees are none, or if it was trained on other columns than this program makes.
 */
export function readForest(text: string, file: string): readonly Tree[] {
  const wrong = (what: string, cause?: unknown) =>
    new MillraceError('MILL_MODEL_INVALID', `${file}: ${what}; train and publish the version again`, { cause })
  let forest: { readonly columns?: unknown; readonly trees?: unknown } | null
  try {
    forest = JSON.parse(text) as typeof forest
  } catch (cause) {
    throw wrong('it is no JSON', cause)
  }
  const { columns, trees } = forest ?? {}
  if (!Array.isArray(columns) || columns.join() !== rankerFeatureNames.join())
    throw wrong('its columns are not those of the ranker features')
  if (!Array.isArray(trees) || !trees.every(isTree)) throw wrong('its trees cannot be read')
  return trees.map((tree: TreeNumbers) => ({
    feature: Int32Array.from(tree.feature),
    threshold: Float32Array.from(tree.threshold),
    left: Int32Array.from(tree.left),
    right: Int32Array.from(tree.right),
    value: Float32Array.from(tree.value),
    cover: Float64Array.from(tree.cover),
  }))
}

/** Looks for `trees.json` beside the versions of a model; each is read once. */
export function forestsOn(shelf: Pick<ModelShelf, 'read'>, model: string): ForestOf {
  const found = new Map<string, Promise<readonly Tree[] | null>>()
  const read = async (version: string): Promise<readonly Tree[] | null> => {
    // Other servers name versions as they like; those of our repositories are numbers.
    const text = /^\d+$/.test(version) ? await shelf.read(model, Number(version), 'trees.json') : null
    return text === null ? null : readForest(text, `${model}/${version}/trees.json`)
  }
  return (version) => {
    const known = found.get(version) ?? read(version)
    found.set(version, known)
    return known
  }
}

/** Whether each node is a leaf, or asks a column and leads to two nodes behind it that share its rows. */
function isTree(tree: unknown): tree is TreeNumbers {
  const numbers = tree as Partial<TreeNumbers> | null
  const size = numbers?.feature?.length ?? 0
  if (size === 0 || !nodeColumns.every((name) => isNumbers(numbers?.[name], size))) return false
  const { feature, left, right, cover } = numbers as TreeNumbers
  const leads = (node: number, child: number) => Number.isInteger(child) && child > node && child < size
  return feature.every((column, node) => {
    if (column === -1) return true
    const [first, second] = [left[node]!, right[node]!]
    if (!leads(node, first) || !leads(node, second)) return false
    return (
      Number.isInteger(column) && column >= 0 && column < rankerFeatureNames.length && cover[first]! > 0 && cover[second]! > 0
    )
  })
}

function isNumbers(values: unknown, size: number): boolean {
  return Array.isArray(values) && values.length === size && values.every((value) => Number.isFinite(value))
}
