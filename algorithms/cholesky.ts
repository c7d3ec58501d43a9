import { MillraceError } from '../core/errors.ts'

/** Columns worked on at once: a panel of rows this wide stays in the processor's cache. */
const block = 48
/** Depth of one pass over the panels, for the same reason. */
const depth = 256

/**
 * Factors a symmetric positive definite matrix A = L·Lᵀ in place (`size` × `size`, row-major; only the lower triangle is read
 * and written). Blocked, so that large matrices run at the speed of the cache. Throws `MILL_REQUEST_INVALID` if A is not
 * positive definite: then add to its diagonal (more regularisation).
 */
export function choleskyFactor(matrix: Float64Array, size: number): void {
  for (let from = 0; from < size; from += block) {
    const to = Math.min(size, from + block)
    if (from > 0) subtractProducts(matrix, matrix, matrix, { size, rows: [from, size], columns: [from, to], inner: [0, from] })
    factorPanel(matrix, size, from, to)
  }
}

/** Solves L·Lᵀ·x = b in place of `vector` (b, `size` numbers), given the factor L of `choleskyFactor`. */
export function choleskySolve(factor: Float64Array, size: number, vector: Float64Array): void {
  for (let i = 0; i < size; i++) {
    let sum = vector[i]!
    for (let k = 0; k < i; k++) sum -= factor[i * size + k]! * vector[k]!
    vector[i] = sum / factor[i * size + i]!
  }
  for (let i = size - 1; i >= 0; i--) {
    const x = vector[i]! / factor[i * size + i]!
    vector[i] = x
    for (let k = 0; k < i; k++) vector[k]! -= factor[i * size + k]! * x
  }
}

/**
 * Inverts a symmetric positive definite matrix in place (`size` × `size`, row-major; the lower triangle is read, all of it is
 * written) by Cholesky: size³/2 multiplications, about 1.5 s for 1,682 rows on one core; needs one more matrix of the same
 * size. Throws as `choleskyFactor` does.
 */
export function choleskyInverse(matrix: Float64Array, size: number): void {
  choleskyFactor(matrix, size)
  const columns = triangularInverse(matrix, size)
  // A⁻¹ = L⁻ᵀ·L⁻¹: products of the columns of L⁻¹, which lie in rows here.
  matrix.fill(0)
  for (let from = 0; from < size; from += block) {
    const to = Math.min(size, from + block)
    for (let row = 0; row < to; row += block)
      subtractProducts(matrix, columns, columns, {
        size,
        rows: [from, to],
        columns: [row, Math.min(to, row + block)],
        inner: [from, size],
      })
  }
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      const value = -matrix[i * size + j]!
      matrix[i * size + j] = value
      matrix[j * size + i] = value
    }
}

/** L⁻¹ with its columns in rows: row c holds the c-th column, zeros left of c. */
function triangularInverse(factor: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size)
  for (let i = 0; i < size; i++) inverse[i * size + i] = 1
  for (let from = 0; from < size; from += block) {
    const to = Math.min(size, from + block)
    for (let first = 0; first < from; first += block)
      subtractProducts(inverse, inverse, factor, {
        size,
        rows: [first, first + block],
        columns: [from, to],
        inner: [first, from],
      })
    for (let c = 0; c < to; c++)
      for (let i = Math.max(c, from); i < to; i++) {
        let sum = inverse[c * size + i]!
        for (let k = Math.max(c, from); k < i; k++) sum -= factor[i * size + k]! * inverse[c * size + k]!
        inverse[c * size + i] = sum / factor[i * size + i]!
      }
  }
  return inverse
}

/** Factors the columns [from, to) once the products of all columns before them are taken off. */
function factorPanel(matrix: Float64Array, size: number, from: number, to: number): void {
  for (let i = from; i < size; i++) {
    const row = i * size
    for (let j = from; j < Math.min(i + 1, to); j++) {
      const other = j * size
      let sum = matrix[row + j]!
      for (let k = from; k < j; k++) sum -= matrix[row + k]! * matrix[other + k]!
      if (i > j) matrix[row + j] = sum / matrix[other + j]!
      else if (sum > 0) matrix[row + j] = Math.sqrt(sum)
      else
        throw new MillraceError(
          'MILL_REQUEST_INVALID',
          `the matrix is not positive definite at row ${i} of ${size}: raise the regularisation`,
        )
    }
  }
}

/** Half-open ranges of a product of square matrices of `size`. */
interface ProductRanges {
  readonly size: number
  readonly rows: readonly [number, number]
  readonly columns: readonly [number, number]
  readonly inner: readonly [number, number]
}

/** target[i, j] −= Σ_k left[i, k] · right[j, k] over the ranges, four by four sums at a time. */
function subtractProducts(target: Float64Array, left: Float64Array, right: Float64Array, ranges: ProductRanges): void {
  const { size } = ranges
  const [row0, row1] = ranges.rows
  const [column0, column1] = ranges.columns
  const [inner0, inner1] = ranges.inner
  for (let k0 = inner0; k0 < inner1; k0 += depth) {
    const k1 = Math.min(inner1, k0 + depth)
    let i = row0
    for (; i + 1 < row1; i += 2) {
      let j = column0
      for (; j + 3 < column1; j += 4) twoByFour(target, left, right, size, i, j, k0, k1)
      for (; j < column1; j++) {
        one(target, left, right, size, i, j, k0, k1)
        one(target, left, right, size, i + 1, j, k0, k1)
      }
    }
    if (i < row1) for (let j = column0; j < column1; j++) one(target, left, right, size, i, j, k0, k1)
  }
}

function one(
  target: Float64Array,
  left: Float64Array,
  right: Float64Array,
  size: number,
  i: number,
  j: number,
  k0: number,
  k1: number,
): void {
  let sum = 0
  for (let k = k0, a = i * size + k0, b = j * size + k0; k < k1; k++, a++, b++) sum += left[a]! * right[b]!
  target[i * size + j]! -= sum
}

/** Eight sums side by side: each number read is used two or four times, and no sum waits for another. */
function twoByFour(
  target: Float64Array,
  left: Float64Array,
  right: Float64Array,
  size: number,
  i: number,
  j: number,
  k0: number,
  k1: number,
): void {
  const a = i * size
  const b = j * size
  const size2 = 2 * size
  const size3 = 3 * size
  let s00 = 0
  let s01 = 0
  let s02 = 0
  let s03 = 0
  let s10 = 0
  let s11 = 0
  let s12 = 0
  let s13 = 0
  for (let k = k0; k < k1; k++) {
    const x = left[a + k]!
    const y = left[a + size + k]!
    const p = right[b + k]!
    const q = right[b + size + k]!
    const r = right[b + size2 + k]!
    const s = right[b + size3 + k]!
    s00 += x * p
    s01 += x * q
    s02 += x * r
    s03 += x * s
    s10 += y * p
    s11 += y * q
    s12 += y * r
    s13 += y * s
  }
  const at = a + j
  target[at]! -= s00
  target[at + 1]! -= s01
  target[at + 2]! -= s02
  target[at + 3]! -= s03
  target[at + size]! -= s10
  target[at + size + 1]! -= s11
  target[at + size + 2]! -= s12
  target[at + size + 3]! -= s13
}
