/** Determinant by elimination; 1 for an empty matrix. */
export function determinant(matrix: number[][]): number {
  const rows = matrix.map((row) => [...row])
  let product = 1
  for (let n = 0; n < rows.length; n++) {
    product *= rows[n]![n]!
    for (let r = n + 1; r < rows.length; r++) {
      const factor = rows[r]![n]! / rows[n]![n]!
      for (let c = n; c < rows.length; c++) rows[r]![c]! -= factor * rows[n]![c]!
    }
  }
  return product
}
