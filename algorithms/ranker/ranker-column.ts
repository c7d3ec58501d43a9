/** One column of the ranker's input: what `millrace features` and docs/features.md say of it. */
export interface RankerColumn {
  readonly name: string
  /** One line: what it counts, over which time, how it is scaled, and what stands where it is not known. */
  readonly meaning: string
  /** Smallest and largest number it may hold. */
  readonly range: readonly [number, number]
}

/** A column that follows from one input alone, with its formula. */
export interface ComputedColumn<Input> extends RankerColumn {
  readonly of: (input: Input) => number
}

/** A column with its place in the history of the input. */
export interface FeatureColumn extends RankerColumn {
  /** The feature schema that brought it. */
  readonly schema: number
  /** What it follows from: the candidate sources, the person, the item by itself, or both together. */
  readonly from: 'sources' | 'person' | 'item' | 'person and item'
}
