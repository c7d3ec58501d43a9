/** Scores of rows with the model version that gave them. */
export interface Scored {
  /** One array per asked output, rows × its width; of an extra one that the model does not give, empty. */
  readonly outputs: readonly Float32Array[]
  readonly version: string
}

/**
 * Scores float rows with a model, joining the rows of all callers into few requests. Errors: those of ports/inference.ts.
 */
export interface Scorer {
  /** Whether a call is worth preparing: false while the model, or that version of it, is known to be away. */
  ready(model: string, version?: string): boolean
  /**
   * `features` is rows × width, row-major; it is read until the call settles. `version` pins one that is served beside others; '' (the
   * default) = the one that the workers' policy serves. `extra` are further outputs, given as far as the model has them.
   */
  score(
    model: string,
    features: Float32Array,
    rows: number,
    outputs: readonly string[],
    version?: string,
    extra?: readonly string[],
  ): Promise<Scored>
}
