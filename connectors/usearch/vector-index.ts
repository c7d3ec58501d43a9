import { createRequire } from 'node:module'
import type { Index } from 'usearch'
import { MillraceError } from '../../core/errors.ts'
import type { VectorIndex } from '../../ports/vector-index.ts'

/**
 * Links of a node per layer (M), and nodes kept in view while adding and while searching (ef; Malkov and Yashunin 2018, section 4). More
 * links cost memory, and buy more recall for the same time than a wider view does (`npm run bench -- retrieval`).
 */
const connectivity = 24
const expansionAdd = 64
const expansionSearch = 512
/** One: a search costs less than starting a thread. */
const threads = 1

/**
 * Hierarchical navigable small worlds (Malkov and Yashunin 2018) by usearch, in this process and on its thread: adding a row takes
 * about as long as finding its neighbours. Vectors are kept as float16, which loses less than the graph does.
 */
export class UsearchVectorIndex implements VectorIndex {
  readonly #index: Index
  /** Rows the index holds: it refuses to add one twice. */
  readonly #held = new Set<number>()

  /** `width`: numbers of a vector. Errors: `MILL_CONFIG_INVALID` on a platform that the package has no binary for. */
  constructor(width: number) {
    const { Index, MetricKind, ScalarKind } = loadUsearch()
    this.#index = new Index({
      dimensions: width,
      metric: MetricKind.IP,
      quantization: ScalarKind.F16,
      connectivity,
      expansion_add: expansionAdd,
      expansion_search: expansionSearch,
      multi: false,
    })
  }

  get size(): number {
    return this.#held.size
  }

  set(row: number, vector: Float32Array): void {
    this.remove(row) // There is no update in place; the next row added takes the node over.
    this.#index.add(BigInt(row), vector, threads)
    this.#held.add(row)
  }

  remove(row: number): void {
    if (this.#held.delete(row)) this.#index.remove(BigInt(row))
  }

  search(query: Float32Array, rows: Int32Array): number {
    if (rows.length === 0 || this.#held.size === 0) return 0
    const { keys } = this.#index.search(query, rows.length, threads)
    keys.forEach((key, at) => {
      rows[at] = Number(key)
    })
    return keys.length
  }
}

/** Loaded at the first index: most shops never need it. */
function loadUsearch(): typeof import('usearch') {
  try {
    return createRequire(import.meta.url)('usearch') as typeof import('usearch')
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}`
    const message = `"recommendations.exactItemsMax": usearch has no binary for ${platform}; raise it to the size of the catalogue`
    throw new MillraceError('MILL_CONFIG_INVALID', message, { cause })
  }
}
