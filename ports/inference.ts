/** Tensor types of the Open Inference Protocol that Millrace's own models use at their boundary. */
export type TensorData = Float32Array | Int32Array | BigInt64Array | Uint8Array | Float64Array

export type Datatype = 'FP32' | 'FP64' | 'INT32' | 'INT64' | 'UINT8' | 'BOOL'

/** A dense row-major tensor; `shape` includes the batch dimension and its product is `data.length`. */
export interface Tensor {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data: TensorData
}

export interface InferRequest {
  readonly model: string
  /** '' asks for the version the worker's policy serves. */
  readonly version: string
  readonly inputs: readonly Tensor[]
  /** Names of the outputs wanted; empty = all. */
  readonly outputs: readonly string[]
  /** Milliseconds from now after which the answer is worthless. */
  readonly deadlineMs: number
}

export interface InferResponse {
  readonly model: string
  /** The version that answered; stamped on every list. */
  readonly version: string
  readonly outputs: readonly Tensor[]
}

/** One model as a worker reports it. */
export interface ModelState {
  readonly model: string
  readonly version: string
  readonly ready: boolean
  readonly reason: string
}

/**
 * Scores tensors with a model: an in-process thread, a Millrace worker, a stock Triton.
 * Errors: `MILL_INFERENCE_UNAVAILABLE`, `MILL_INFERENCE_TIMEOUT`, `MILL_INFERENCE_OVERLOADED`, `MILL_INFERENCE_INVALID`;
 * inputs are read until the call settles, and never detached.
 */
export interface Inference {
  infer(request: InferRequest): Promise<InferResponse>
  /** Models the workers serve; empty if no worker answers. */
  models(): Promise<readonly ModelState[]>
  /** Numbers per row of the model's first input, as a version takes them ('' or none = the one in use); 0 = any. Errors: as `infer`. */
  inputWidth(model: string, version?: string): Promise<number>
  /** Requests that can be under way before more would only queue. */
  readonly capacity: number
  close(): Promise<void>
}
