/** What a person is expected to touch next, best first: item ids with log-odds-like scores, finite and falling. */
export interface NextItems {
  readonly itemIds: readonly string[]
  readonly scores: Float32Array
}

/** A trained model that continues histories (SASRec, GRU4Rec, BERT4Rec …). */
export interface SequenceModel {
  /**
   * What follows each history of item ids, oldest first; all of them are one request. Answers null where the model is away or too slow:
   * lists are then made without it.
   */
  next(histories: readonly (readonly string[])[]): Promise<readonly NextItems[] | null>
}
