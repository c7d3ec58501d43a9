/** One scope's items in catalogue rows: by popularity, and by trend (z) where it is positive. */
export interface TrendList {
  /** About how many different people it is made of; good to about 100. */
  readonly people: number
  readonly popularRows: Int32Array
  readonly popularScores: Float64Array
  readonly trendRows: Int32Array
  readonly trendScores: Float64Array
}

/** Trend lists by scope name (schemas/scope-names.ts). */
export interface TrendLists {
  get(scope: string): TrendList | undefined
}
