import { MillraceError } from '../core/errors.ts'

/** A sparse matrix by rows (CSR): row r holds `columns[starts[r] … starts[r + 1])` with their `values`. */
export interface SparseRows {
  readonly rowCount: number
  readonly columnCount: number
  /** rowCount + 1 places, ascending. */
  readonly starts: Int32Array
  /** Each in [0, columnCount), at most once in a row. */
  readonly columns: Int32Array
  /** Finite numbers, one for each of `columns`. */
  readonly values: Float64Array
}

/**
 * Rows of ones from lists of columns, such as the items of each user. A repeat within a row counts once. Throws
 * `MILL_REQUEST_INVALID` for a column outside [0, columnCount).
 */
export function sparseRowsOf(lists: readonly ArrayLike<number>[], columnCount: number): SparseRows {
  let size = 0
  for (const list of lists) size += list.length
  const starts = new Int32Array(lists.length + 1)
  const columns = new Int32Array(size)
  const lastRow = new Int32Array(columnCount).fill(-1)
  let filled = 0
  lists.forEach((list, row) => {
    for (let n = 0; n < list.length; n++) {
      const column = list[n]!
      if (!(column >= 0 && column < columnCount && Number.isInteger(column)))
        throw new MillraceError(
          'MILL_REQUEST_INVALID',
          `row ${row} holds column ${column}: give whole numbers from 0 to ${columnCount - 1}`,
        )
      if (lastRow[column] === row) continue
      lastRow[column] = row
      columns[filled++] = column
    }
    starts[row + 1] = filled
  })
  return {
    rowCount: lists.length,
    columnCount,
    starts,
    columns: columns.slice(0, filled),
    values: new Float64Array(filled).fill(1),
  }
}

/** The same numbers with rows and columns exchanged; the columns of each row come out ascending. */
export function transposedRows(matrix: SparseRows): SparseRows {
  const starts = new Int32Array(matrix.columnCount + 1)
  for (const column of matrix.columns) starts[column + 1]!++
  for (let column = 0; column < matrix.columnCount; column++) starts[column + 1]! += starts[column]!
  const next = starts.slice()
  const columns = new Int32Array(matrix.columns.length)
  const values = new Float64Array(matrix.columns.length)
  for (let row = 0; row < matrix.rowCount; row++)
    for (let at = matrix.starts[row]!; at < matrix.starts[row + 1]!; at++) {
      const place = next[matrix.columns[at]!]!++
      columns[place] = row
      values[place] = matrix.values[at]!
    }
  return { rowCount: matrix.columnCount, columnCount: matrix.rowCount, starts, columns, values }
}
