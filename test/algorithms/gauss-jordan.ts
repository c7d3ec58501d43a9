/** The inverse of a matrix (row-major) by elimination with pivots: slow and plain, a second opinion. */
export function gaussJordanInverse(matrix: Float64Array, size: number): Float64Array {
  const left = matrix.slice()
  const right = new Float64Array(size * size)
  for (let i = 0; i < size; i++) right[i * size + i] = 1
  for (let column = 0; column < size; column++) {
    let pivot = column
    for (let row = column; row < size; row++)
      if (Math.abs(left[row * size + column]!) > Math.abs(left[pivot * size + column]!)) pivot = row
    for (const side of [left, right])
      for (let n = 0; n < size; n++) {
        const held = side[pivot * size + n]!
        side[pivot * size + n] = side[column * size + n]!
        side[column * size + n] = held
      }
    const scale = left[column * size + column]!
    for (const side of [left, right]) for (let n = 0; n < size; n++) side[column * size + n]! /= scale
    for (let row = 0; row < size; row++) {
      const factor = left[row * size + column]!
      if (row === column || factor === 0) continue
      for (const side of [left, right]) for (let n = 0; n < size; n++) side[row * size + n]! -= factor * side[column * size + n]!
    }
  }
  return right
}
