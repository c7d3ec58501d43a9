/** Finds the rows whose vectors are nearest to a query: by comparing all of them, or by an index. */
export interface NearestRows {
  /**
   * Writes the rows with the largest inner products for which `keep` holds, best first, ties to the lower row, and their products.
   * Answers how many, fewer than `rows.length` when there are no more. `products` is as long as `rows`.
   */
  nearest(query: Float32Array, keep: (row: number) => boolean, rows: Int32Array, products: Float32Array): number
}
