import type { TopK } from './top-k.ts'
import { VectorRows } from './vector-rows.ts'

/** Items by what their texts say: vectors of length 1 of one version of the text model, by catalogue row. */
export class TextNeighbours {
  #vectors: VectorRows | null = null
  #count = 0

  /** Rows with a vector. */
  get size(): number {
    return this.#count
  }

  has(row: number): boolean {
    return this.#vectors?.has(row) ?? false
  }

  /** Forgets all: the next vectors are of another version, maybe of another width. */
  clear(): void {
    this.#vectors = null
    this.#count = 0
  }

  /** Every vector has as many numbers as the first one, a multiple of 4. */
  set(row: number, vector: Float32Array): void {
    this.#vectors ??= new VectorRows(vector.length)
    if (!this.#vectors.has(row)) this.#count++
    this.#vectors.set(row, vector)
  }

  /** The `count` other rows of the largest cosine to a row, above 0, best first; none where the row has no vector. */
  nearest(row: number, count: number, keep: (row: number) => boolean): TopK {
    const rows = new Int32Array(count)
    const cosines = new Float32Array(count)
    if (!this.#vectors?.has(row)) return { indices: rows.subarray(0, 0), scores: new Float64Array(0) }
    let filled = this.#vectors.nearest(this.#vectors.vector(row).slice(), (other) => other !== row && keep(other), rows, cosines)
    while (filled > 0 && !(cosines[filled - 1]! > 0)) filled--
    return { indices: rows.subarray(0, filled), scores: Float64Array.from(cosines.subarray(0, filled)) }
  }
}
