import { datatypeBytes, type RawTensor } from './inference-datatype.ts'
import { inferenceError } from './inference-status.ts'

/** A tensor as Millrace's own code holds it: typed, aligned, of one of the types its models use at their boundary. */
export interface TypedTensor {
  readonly name: string
  readonly datatype: 'FP32' | 'FP64' | 'INT32' | 'INT64' | 'UINT8' | 'BOOL'
  readonly shape: readonly number[]
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array
}

const arrays = {
  FP32: Float32Array,
  FP64: Float64Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  UINT8: Uint8Array,
  BOOL: Uint8Array,
} as const

/** A typed tensor as bytes, without a copy. Errors: status INVALID_ARGUMENT when the array is not of the datatype. */
export function tensorToRaw(tensor: TypedTensor): RawTensor {
  const { name, datatype, shape, data } = tensor
  if (!(data instanceof arrays[datatype])) {
    throw inferenceError('INVALID_ARGUMENT', `input "${name}" is ${datatype} but its data is no ${arrays[datatype].name}`)
  }
  return { name, datatype, shape, bytes: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength) }
}

/**
 * Bytes at any alignment as a typed tensor; copied only when they do not lie aligned.
 * Errors: status INTERNAL for a datatype that Millrace does not use or a byte count that is no whole number of elements.
 */
export function rawToTensor(raw: RawTensor): TypedTensor {
  const { name, shape } = raw
  const datatype = raw.datatype as TypedTensor['datatype']
  const size = datatypeBytes[datatype]
  if (!Object.hasOwn(arrays, datatype))
    throw inferenceError('INTERNAL', `output "${name}" is ${datatype}, which is not used here`)
  if (raw.bytes.length % size !== 0)
    throw inferenceError('INTERNAL', `output "${name}" has ${raw.bytes.length} bytes, not whole ${datatype}s`)
  const bytes = raw.bytes.byteOffset % size === 0 ? raw.bytes : Uint8Array.from(raw.bytes)
  return { name, datatype, shape, data: new arrays[datatype](bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / size) }
}
