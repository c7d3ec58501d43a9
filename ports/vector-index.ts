/**
 * An approximate index of vectors by row, for inner products: it answers rows that are near a query without comparing it with all of
 * them, and may miss some. Vectors are of length 1.
 */
export interface VectorIndex {
  /** Rows it holds. */
  readonly size: number
  /** Adds a row, or replaces its vector. */
  set(row: number, vector: Float32Array): void
  /** Takes a row out; one that is not there is no error. */
  remove(row: number): void
  /** Writes the rows found to `rows`, nearest first, and answers how many: fewer than fit when there are no more, never padded. */
  search(query: Float32Array, rows: Int32Array): number
}
