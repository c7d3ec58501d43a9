import { MillraceError } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Inference, InferResponse } from '../ports/inference.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { NextItems, SequenceModel } from '../ports/sequence-model.ts'

export interface ServedSequenceModelOptions {
  readonly model: string
  /** Item ids of a version in the order of its rows, the first being row 1. */
  readonly itemsOf: (version: string) => Promise<readonly string[]>
  /** Milliseconds a worker has for one request. */
  readonly deadlineMs: number
  /** After a failure nobody is asked for so long. */
  readonly retryMs: number
}

/** Items of a history where the model does not say how many it takes. */
const lengthIfOpen = 50
/** Times a request is put into the rows of the version that answered the one before. */
const versionsPerRequest = 3

/** What a version calls items. */
interface Vocabulary {
  readonly version: string
  readonly itemIds: readonly string[]
  readonly rows: ReadonlyMap<string, number>
  /** Items of a history it takes. */
  readonly length: number
}

/**
 * A sequence model on the inference workers: input `item_sequence` INT64 [B, L], the newest at the right, 0 for none; outputs `item_ids`
 * INT64 and `scores` FP32, [B, K], best first. Rows mean what the version's list of items says, so the version that answers must be the
 * one whose rows were sent: after a swap the request goes once more.
 */
export class ServedSequenceModel implements SequenceModel {
  readonly #inference: Inference
  readonly #options: ServedSequenceModelOptions
  readonly #clock: Clock
  readonly #logger: Logger
  #vocabulary: Vocabulary | null = null
  #awayUntilMs = 0
  #lists = 0
  #failures = 0

  constructor(inference: Inference, options: ServedSequenceModelOptions, clock: Clock, logger: Logger, metrics: Metrics) {
    this.#inference = inference
    this.#options = options
    this.#clock = clock
    this.#logger = logger
    metrics.gauge('millrace_sequence_lists_total', 'Lists for which the sequence model answered.', () => [{ value: this.#lists }])
    metrics.gauge('millrace_sequence_failures_total', 'Requests to the sequence model that failed.', () => [
      { value: this.#failures },
    ])
  }

  async next(histories: readonly (readonly string[])[]): Promise<readonly NextItems[] | null> {
    if (histories.length === 0) return []
    if (this.#clock.nowMs() < this.#awayUntilMs) return null
    try {
      const next = await this.#ask(histories)
      this.#lists += histories.length
      return next
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.#failures++
      this.#awayUntilMs = this.#clock.nowMs() + this.#options.retryMs
      this.#logger.warn({ model: this.#options.model, code: error.code }, `lists go without the sequence model: ${error.message}`)
      return null
    }
  }

  async #ask(histories: readonly (readonly string[])[]): Promise<readonly NextItems[]> {
    const { model, deadlineMs } = this.#options
    let vocabulary = this.#vocabulary
    for (let tried = 0; tried < versionsPerRequest; tried++) {
      // Who knows no version yet learns which one answers from one empty history.
      const length = vocabulary?.length ?? (await this.#length())
      const rows = vocabulary === null ? 1 : histories.length
      const data = vocabulary === null ? new BigInt64Array(length) : sequencesOf(histories, vocabulary)
      const response = await this.#inference.infer({
        model,
        version: '',
        inputs: [{ name: 'item_sequence', datatype: 'INT64', shape: [rows, length], data }],
        outputs: ['item_ids', 'scores'],
        deadlineMs,
      })
      if (vocabulary?.version === response.version) {
        this.#vocabulary = vocabulary
        return nextOf(response, histories.length, vocabulary)
      }
      vocabulary = await this.#read(response.version)
    }
    throw new MillraceError('MILL_INFERENCE_UNAVAILABLE', `workers answer with several versions of ${model}`)
  }

  async #length(): Promise<number> {
    return (await this.#inference.inputWidth(this.#options.model)) || lengthIfOpen
  }

  async #read(version: string): Promise<Vocabulary> {
    const itemIds = await this.#options.itemsOf(version)
    const rows = new Map(itemIds.map((itemId, at) => [itemId, at + 1]))
    return { version, itemIds, rows, length: await this.#length() }
  }
}

/** The newest known items of each history, right-aligned. */
function sequencesOf(histories: readonly (readonly string[])[], { rows, length }: Vocabulary): BigInt64Array {
  const data = new BigInt64Array(histories.length * length)
  histories.forEach((history, row) => {
    let at = (row + 1) * length
    for (let i = history.length - 1; i >= 0 && at > row * length; i--) {
      const number = rows.get(history[i]!)
      if (number !== undefined) data[--at] = BigInt(number)
    }
  })
  return data
}

function nextOf(response: InferResponse, rows: number, { itemIds }: Vocabulary): readonly NextItems[] {
  const ids = response.outputs.find(({ name }) => name === 'item_ids')
  const scores = response.outputs.find(({ name }) => name === 'scores')
  const width = (ids?.data.length ?? 0) / rows
  if (!(ids?.data instanceof BigInt64Array) || !(scores?.data instanceof Float32Array) || scores.data.length !== width * rows)
    throw new MillraceError(
      'MILL_INFERENCE_INVALID',
      `${response.model} answered without INT64 item_ids and FP32 scores of one shape`,
    )
  const [rowNumbers, values] = [ids.data, scores.data]
  return Array.from({ length: rows }, (_, row) => {
    const known: string[] = []
    const kept: number[] = []
    for (let at = row * width; at < (row + 1) * width; at++) {
      const itemId = itemIds[Number(rowNumbers[at]) - 1]
      if (itemId === undefined || !Number.isFinite(values[at])) continue
      known.push(itemId)
      kept.push(values[at]!)
    }
    return { itemIds: known, scores: Float32Array.from(kept) }
  })
}
