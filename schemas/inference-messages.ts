/** One request or tensor parameter; which of the five kinds it is matters to foreign servers. */
export type InferParameter =
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int64'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'uint64'; readonly value: bigint }

export type InferParameters = ReadonlyMap<string, InferParameter>

/** Typed tensor values as the wire groups them; at most one list should be non-empty. */
export interface InferTensorContents {
  readonly bools: boolean[]
  readonly ints: number[]
  readonly int64s: bigint[]
  readonly uints: number[]
  readonly uint64s: bigint[]
  readonly fp32s: number[]
  readonly fp64s: number[]
  readonly bytes: Uint8Array[]
}

/** One tensor as it stands in a message: its bytes may lie in the message's raw contents instead of `contents`. */
export interface InferTensorMessage {
  readonly name: string
  readonly datatype: string
  /** Includes the batch dimension. */
  readonly shape: readonly number[]
  readonly parameters: InferParameters
  readonly contents: InferTensorContents | null
}

export interface InferRequestedOutput {
  readonly name: string
  readonly parameters: InferParameters
}

/** `ModelInferRequest` of inference.proto. */
export interface ModelInferRequest {
  readonly modelName: string
  readonly modelVersion: string
  readonly id: string
  readonly parameters: InferParameters
  readonly inputs: readonly InferTensorMessage[]
  readonly outputs: readonly InferRequestedOutput[]
  /** Entry i belongs to `inputs[i]`; after decoding these are views into the message at any alignment. */
  readonly rawContents: readonly Uint8Array[]
}

/** `ModelInferResponse` of inference.proto. */
export interface ModelInferResponse {
  readonly modelName: string
  readonly modelVersion: string
  readonly id: string
  readonly parameters: InferParameters
  readonly outputs: readonly InferTensorMessage[]
  readonly rawContents: readonly Uint8Array[]
}

/** `ModelStreamInferResponse` of inference.proto. */
export interface ModelStreamInferResponse {
  /** '' when the request succeeded. */
  readonly errorMessage: string
  readonly response: ModelInferResponse | null
}

/** The empty parameter map, shared. */
export const noParameters: InferParameters = new Map()
