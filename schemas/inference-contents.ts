import { MillraceError } from '../core/errors.ts'
import { datatypeBytes, type WireDatatype } from './inference-datatype.ts'
import type { InferTensorContents } from './inference-messages.ts'

/**
 * Typed tensor values as raw little-endian bytes. FP16, BF16 and BYTES have no typed form here.
 * Errors: `MILL_INFERENCE_INVALID` where the filled list does not belong to the datatype.
 */
export function contentsToRaw(name: string, datatype: WireDatatype, contents: InferTensorContents): Uint8Array {
  const values = listOf(datatype, contents)
  if (!values || filledLists(contents) > (values.length > 0 ? 1 : 0)) {
    throw new MillraceError(
      'MILL_INFERENCE_INVALID',
      `tensor "${name}": its typed contents are not those of datatype ${datatype}`,
    )
  }
  const size = datatypeBytes[datatype]
  const raw = new Uint8Array(values.length * size)
  const view = new DataView(raw.buffer)
  for (let i = 0; i < values.length; i++) writeElement(view, i * size, datatype, values[i]!)
  return raw
}

function listOf(datatype: WireDatatype, contents: InferTensorContents): readonly (number | bigint | boolean)[] | null {
  if (datatype === 'BOOL') return contents.bools
  if (datatype === 'INT8' || datatype === 'INT16' || datatype === 'INT32') return contents.ints
  if (datatype === 'UINT8' || datatype === 'UINT16' || datatype === 'UINT32') return contents.uints
  if (datatype === 'INT64') return contents.int64s
  if (datatype === 'UINT64') return contents.uint64s
  if (datatype === 'FP32') return contents.fp32s
  if (datatype === 'FP64') return contents.fp64s
  return null
}

function filledLists(contents: InferTensorContents): number {
  return Object.values(contents).filter((list: readonly unknown[]) => list.length > 0).length
}

function writeElement(view: DataView, at: number, datatype: WireDatatype, value: number | bigint | boolean): void {
  if (datatype === 'INT64' || datatype === 'UINT64') view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true)
  else if (datatype === 'FP32') view.setFloat32(at, Number(value), true)
  else if (datatype === 'FP64') view.setFloat64(at, Number(value), true)
  else if (datatypeBytes[datatype] === 4) view.setInt32(at, Number(value) | 0, true)
  else if (datatypeBytes[datatype] === 2) view.setInt16(at, Number(value), true)
  else view.setInt8(at, Number(value))
}
