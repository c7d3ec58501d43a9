/** Inner product of two rows of Float32 vectors: `a[atA..]` with `b[atB..]`, `width` numbers. */
export function dot(a: Float32Array, b: Float32Array, width: number = a.length, atA = 0, atB = 0): number {
  // Four running sums: one alone waits for each addition to finish before the next.
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let i = 0
  for (; i + 3 < width; i += 4) {
    s0 += a[atA + i]! * b[atB + i]!
    s1 += a[atA + i + 1]! * b[atB + i + 1]!
    s2 += a[atA + i + 2]! * b[atB + i + 2]!
    s3 += a[atA + i + 3]! * b[atB + i + 3]!
  }
  for (; i < width; i++) s0 += a[atA + i]! * b[atB + i]!
  return s0 + s1 + (s2 + s3)
}

/** Cosine of the angle between two rows, −1 … 1; 0 if one of them is the zero vector. */
export function cosine(a: Float32Array, b: Float32Array, width: number = a.length, atA = 0, atB = 0): number {
  const norms = Math.sqrt(dot(a, a, width, atA, atA) * dot(b, b, width, atB, atB))
  return norms > 0 ? dot(a, b, width, atA, atB) / norms : 0
}

/** Scales every row of a rows × width matrix to length 1, in place; zero rows stay zero. */
export function normalizeRows(matrix: Float32Array, width: number): void {
  for (let at = 0; at + width <= matrix.length; at += width) {
    const norm = Math.sqrt(dot(matrix, matrix, width, at, at))
    if (norm === 0) continue
    for (let i = at; i < at + width; i++) matrix[i]! /= norm
  }
}
