import type { RawTensor } from '../schemas/inference-datatype.ts'
import { inferenceError } from '../schemas/inference-status.ts'
import type { CheckedRequest } from './check-request.ts'
import type { FeedTensor, FetchedTensor } from './session-messages.ts'

const ALIGNMENT = 8

/** One run's inputs in one buffer, every tensor aligned to 8 bytes. */
export interface JoinedBatch {
  readonly buffer: ArrayBuffer
  readonly feeds: readonly FeedTensor[]
  /** Rows of the run, padding included; 0 for a model that does not batch. */
  readonly paddedRows: number
  /** Outputs that at least one request wants. */
  readonly fetches: readonly string[]
}

/**
 * Joins requests of one shape key along the batch dimension; the copy is also what aligns tensors that lay at any byte.
 * Padding rows are zeros. `paddedRows` 0 takes exactly one request as it is.
 */
export function joinBatch(requests: readonly CheckedRequest[], paddedRows: number): JoinedBatch {
  const first = requests[0]!
  const feeds: FeedTensor[] = []
  let sizeBytes = 0
  for (const tensor of first.inputs) {
    if (!tensor) continue
    const byteLength = paddedRows === 0 ? tensor.bytes.length : (tensor.bytes.length / first.rows) * paddedRows
    const shape = paddedRows === 0 ? tensor.shape : [paddedRows, ...tensor.shape.slice(1)]
    feeds.push({ name: tensor.name, datatype: tensor.datatype, shape, byteOffset: sizeBytes, byteLength })
    sizeBytes += Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT
  }
  const bytes = new Uint8Array(new ArrayBuffer(sizeBytes))
  let feed = 0
  for (let i = 0; i < first.inputs.length; i++) {
    if (!first.inputs[i]) continue
    let at = feeds[feed++]!.byteOffset
    for (const request of requests) {
      const tensor = request.inputs[i]!
      bytes.set(tensor.bytes, at)
      at += tensor.bytes.length
    }
  }
  return { buffer: bytes.buffer, feeds, paddedRows, fetches: fetchesOf(requests) }
}

/**
 * Hands each request its own rows of a run's outputs, in the order it asked for them.
 * Errors: status INTERNAL when an output has not one row per input row.
 */
export function splitBatch(
  requests: readonly CheckedRequest[],
  batch: JoinedBatch,
  outputs: readonly FetchedTensor[],
): RawTensor[][] {
  const byName = new Map(outputs.map((output) => [output.name, output]))
  const answers: RawTensor[][] = []
  let row = 0
  for (const request of requests) {
    answers.push(request.outputs.map((name) => rowsOf(byName.get(name)!, row, request.rows, batch.paddedRows)))
    row += request.rows
  }
  return answers
}

function rowsOf(output: FetchedTensor, row: number, rows: number, paddedRows: number): RawTensor {
  if (paddedRows === 0 || (rows === paddedRows && output.shape[0] === rows)) return output
  if (output.shape[0] !== paddedRows) {
    throw inferenceError(
      'INTERNAL',
      `output "${output.name}" has shape [${output.shape}] for ${paddedRows} rows; set max_batch_size to 0`,
    )
  }
  const rowBytes = output.bytes.length / paddedRows
  const bytes = output.bytes.subarray(row * rowBytes, (row + rows) * rowBytes)
  return { name: output.name, datatype: output.datatype, shape: [rows, ...output.shape.slice(1)], bytes }
}

function fetchesOf(requests: readonly CheckedRequest[]): readonly string[] {
  if (requests.length === 1) return requests[0]!.outputs
  const names = new Set<string>()
  for (const request of requests) for (const name of request.outputs) names.add(name)
  return [...names]
}
