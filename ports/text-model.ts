/** What texts say: `width` numbers per item, a vector of length 1 (of an item without words, of zeros). */
export interface ReadTexts {
  readonly vectors: Float32Array
  readonly width: number
  /** Vectors of two versions do not fit together. */
  readonly version: string
}

/** A trained model that reads the texts of items as rows of hashed terms. */
export interface TextModel {
  /**
   * Reads `items` items in one request. `rowsOf` makes their input, items × terms, for the number of buckets that the version which answers
   * hashes terms to. Answers null where the model is away, is not there, or too slow: items then go without.
   */
  read(items: number, rowsOf: (buckets: number) => BigInt64Array): Promise<ReadTexts | null>
}
