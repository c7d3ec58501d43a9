/** One scope's items in catalogue rows: by popularity, and by trend (z) where it is positive. */
export interface TrendList {
  readonly popularRows: Int32Array
  readonly popularScores: Float64Array
  readonly trendRows: Int32Array
  readonly trendScores: Float64Array
}

/** Trend lists by scope name (`scope:all`, `scope:category:x`, `scope:region:x`). */
export interface TrendLists {
  get(scope: string): TrendList | undefined
}
