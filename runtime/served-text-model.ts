import { MillraceError } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Inference, InferResponse } from '../ports/inference.ts'
import type { Logger } from '../ports/logger.ts'
import type { ReadTexts, TextModel } from '../ports/text-model.ts'

export interface ServedTextModelOptions {
  readonly model: string
  /** Rows that terms are hashed to by a version. */
  readonly bucketsOf: (version: string) => Promise<number>
  /** Milliseconds a worker has for one request. */
  readonly deadlineMs: number
  /** After a failure nobody is asked for so long: a shop without such a model pays one request in that time. */
  readonly retryMs: number
}

/** Times a request is put into the buckets of the version that answered the one before. */
const versionsPerRequest = 3

/**
 * A text model on the inference workers: input `term_rows` INT64 [B, terms], 0 for none; output `embedding` FP32 [B, width]. How terms are
 * hashed is the version's own, so the version that answers must be the one they were hashed for: after a swap the request goes once more.
 */
export class ServedTextModel implements TextModel {
  readonly #inference: Inference
  readonly #options: ServedTextModelOptions
  readonly #clock: Clock
  readonly #logger: Logger
  #known: { readonly version: string; readonly buckets: number } | null = null
  #awayUntilMs = 0

  constructor(inference: Inference, options: ServedTextModelOptions, clock: Clock, logger: Logger) {
    this.#inference = inference
    this.#options = options
    this.#clock = clock
    this.#logger = logger
  }

  async read(items: number, rowsOf: (buckets: number) => BigInt64Array): Promise<ReadTexts | null> {
    if (this.#clock.nowMs() < this.#awayUntilMs) return null
    try {
      return await this.#ask(items, rowsOf)
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.#awayUntilMs = this.#clock.nowMs() + this.#options.retryMs
      // Most shops have no such model: that is no news.
      this.#logger.debug({ model: this.#options.model, code: error.code }, `items go without their texts: ${error.message}`)
      return null
    }
  }

  async #ask(items: number, rowsOf: (buckets: number) => BigInt64Array): Promise<ReadTexts> {
    const { model, bucketsOf, deadlineMs } = this.#options
    for (let tried = 0; tried < versionsPerRequest; tried++) {
      // Who knows no version yet learns which one answers: the rows of one bucket are rows of any.
      const data = rowsOf(this.#known?.buckets ?? 1)
      const input = { name: 'term_rows', datatype: 'INT64', shape: [items, data.length / items], data } as const
      const response = await this.#inference.infer({ model, version: '', inputs: [input], outputs: ['embedding'], deadlineMs })
      if (this.#known?.version === response.version) return textsOf(response, items)
      this.#known = { version: response.version, buckets: await bucketsOf(response.version) }
    }
    throw new MillraceError('MILL_INFERENCE_UNAVAILABLE', `workers answer with several versions of ${model}`)
  }
}

function textsOf(response: InferResponse, items: number): ReadTexts {
  const [vectors] = response.outputs.filter(({ name }) => name === 'embedding')
  const width = (vectors?.data.length ?? 0) / items
  if (!(vectors?.data instanceof Float32Array) || !Number.isInteger(width) || width === 0 || width % 4 !== 0 || width > 1024)
    throw new MillraceError(
      'MILL_INFERENCE_INVALID',
      `${response.model} answered without an FP32 embedding of a multiple of 4 numbers, at most 1,024, per item`,
    )
  return { vectors: vectors.data, width, version: response.version }
}
