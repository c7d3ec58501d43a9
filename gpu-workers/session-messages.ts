import type { WireDatatype } from '../schemas/inference-datatype.ts'

/** How a session thread opens its session; travels as `workerData`. */
export interface SessionOptions {
  readonly modelPath: string
  /** Tried first; when its libraries are missing the session runs on the CPU and says so. */
  readonly provider: 'cuda' | 'cpu'
  readonly deviceId: number
  readonly intraOpThreads: number
  readonly interOpThreads: number
  readonly parallelExecution: boolean
  /** ONNX Runtime's name of the optimisation level. */
  readonly graphOptimization: 'disabled' | 'basic' | 'extended' | 'all'
}

/** One tensor of a model as ONNX Runtime reports it; -1 = variable dimension. */
export interface SignatureTensor {
  readonly name: string
  readonly datatype: WireDatatype
  readonly shape: readonly number[]
}

/** What a session reports once it is open. */
export interface SessionInfo {
  readonly inputs: readonly SignatureTensor[]
  readonly outputs: readonly SignatureTensor[]
  readonly provider: 'cuda' | 'cpu'
  /** Why the wanted provider was not taken; '' if it was. */
  readonly providerReason: string
}

/** One input tensor of a run: a view into the run's one transferred buffer, aligned to 8 bytes. */
export interface FeedTensor {
  readonly name: string
  readonly datatype: WireDatatype
  readonly shape: readonly number[]
  readonly byteOffset: number
  readonly byteLength: number
}

export type ToSession =
  | {
      readonly kind: 'run'
      readonly buffer: ArrayBuffer
      readonly feeds: readonly FeedTensor[]
      readonly fetches: readonly string[]
    }
  | { readonly kind: 'close' }

/** One output tensor of a run, in a buffer of its own. */
export interface FetchedTensor {
  readonly name: string
  readonly datatype: WireDatatype
  readonly shape: readonly number[]
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What a run cost inside its thread, nanoseconds. */
export interface RunTimes {
  readonly inputNs: number
  readonly inferNs: number
  readonly outputNs: number
}

export type FromSession =
  | ({ readonly kind: 'ready' } & SessionInfo)
  | { readonly kind: 'refused'; readonly message: string }
  | ({ readonly kind: 'result'; readonly outputs: readonly FetchedTensor[] } & RunTimes)
  | { readonly kind: 'run-failed'; readonly message: string }
  | { readonly kind: 'closed' }
