/** Every datatype name of the Open Inference Protocol, with the bytes of one element; BYTES elements vary and count as 0. */
export const datatypeBytes = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  BF16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
} as const

export type WireDatatype = keyof typeof datatypeBytes

/** One tensor of fixed-size elements as bytes: little-endian, row-major, no padding, at any alignment. */
export interface RawTensor {
  readonly name: string
  readonly datatype: WireDatatype
  /** Includes the batch dimension. */
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/** Whether a text names a datatype of the protocol. */
export function isWireDatatype(name: string): name is WireDatatype {
  return Object.hasOwn(datatypeBytes, name)
}

/** The number of elements of a shape; 1 for a scalar. Not a safe integer if the shape is absurd: check before allocating. */
export function elementCount(shape: readonly number[]): number {
  let count = 1
  for (const dimension of shape) count *= dimension
  return count
}
