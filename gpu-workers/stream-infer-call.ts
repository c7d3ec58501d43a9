import type { ServerDuplexStream } from '@grpc/grpc-js'
import { type ModelStreamInferResponse, noParameters } from '../schemas/inference-messages.ts'
import { inferenceStatusOf } from '../schemas/inference-status.ts'
import type { ArrivedRequest } from './grpc-service.ts'
import { deadlineOf, type StartedInference, startInference } from './infer-call.ts'
import type { ModelRepository } from './model-repository.ts'

const IN_FLIGHT_MAX = 64

type Call = ServerDuplexStream<ArrivedRequest, ModelStreamInferResponse>

/**
 * `ModelStreamInfer`: many requests on one stream, answered as they finish; a failed one is answered in-band.
 * At most 64 requests of a stream are under way, and none is read while the client does not take its answers.
 */
export class StreamInferCalls {
  readonly #repository: ModelRepository
  readonly #open = new Set<StreamInferCall>()

  constructor(repository: ModelRepository) {
    this.#repository = repository
  }

  handle(call: Call): void {
    const stream = new StreamInferCall(call, this.#repository, () => this.#open.delete(stream))
    this.#open.add(stream)
  }

  /** Reads no more, and ends each stream once what it read is answered: for shutdown. */
  finish(): void {
    for (const stream of this.#open) stream.finish()
  }
}

class StreamInferCall {
  readonly #call: Call
  readonly #repository: ModelRepository
  readonly #inFlight = new Set<StartedInference>()
  #writable = true
  #finishing = false
  #ended = false

  constructor(call: Call, repository: ModelRepository, closed: () => void) {
    this.#call = call
    this.#repository = repository
    call.on('data', (arrived: ArrivedRequest) => this.#take(arrived))
    call.on('end', () => this.finish())
    call.on('drain', () => {
      this.#writable = true
      this.#flow()
    })
    call.on('cancelled', () => {
      this.#ended = true
      for (const started of this.#inFlight) started.cancel()
      closed()
    })
    call.on('close', closed)
    call.on('finish', closed)
    call.on('error', closed)
  }

  finish(): void {
    this.#finishing = true
    this.#flow()
  }

  #take(arrived: ArrivedRequest): void {
    if (this.#finishing && this.#ended) return
    const id = 'request' in arrived ? arrived.request.id : ''
    try {
      const started = startInference(this.#repository, arrived, deadlineOf(this.#call.getDeadline()))
      this.#inFlight.add(started)
      started.response
        .then(
          (response) => this.#answer({ errorMessage: '', response }),
          (error) => this.#answer(failure(id, error)),
        )
        .finally(() => {
          this.#inFlight.delete(started)
          this.#flow()
        })
    } catch (error) {
      this.#answer(failure(id, error))
    }
    this.#flow()
  }

  #answer(message: ModelStreamInferResponse): void {
    if (!this.#ended && !this.#call.write(message)) this.#writable = false
  }

  /** Reads on, waits or ends, as the state of the stream asks. */
  #flow(): void {
    if (this.#ended) return
    if (this.#finishing && this.#inFlight.size === 0) {
      this.#ended = true
      this.#call.end()
    } else if (this.#finishing || !this.#writable || this.#inFlight.size >= IN_FLIGHT_MAX) this.#call.pause()
    else this.#call.resume()
  }
}

/** The stream stays open, so the status itself travels in the text. */
function failure(id: string, error: unknown): ModelStreamInferResponse {
  const text = error instanceof Error ? error.message : String(error)
  const response = { modelName: '', modelVersion: '', id, parameters: noParameters, outputs: [], rawContents: [] }
  return { errorMessage: `${inferenceStatusOf(error)}: ${text}`, response }
}
