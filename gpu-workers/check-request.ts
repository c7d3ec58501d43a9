import { datatypeBytes, elementCount, type RawTensor } from '../schemas/inference-datatype.ts'
import { inferenceError } from '../schemas/inference-status.ts'
import type { ModelSignature, ModelTensor } from './model-signature.ts'

/** A request that fits its model, in the model's own order of inputs. */
export interface CheckedRequest {
  /** By the signature's inputs; null where an optional one is absent. */
  readonly inputs: readonly (RawTensor | null)[]
  /** Names of the wanted outputs, never empty. */
  readonly outputs: readonly string[]
  /** Rows along the batch dimension; 1 for a model that does not batch. */
  readonly rows: number
  /** Requests with equal keys may be joined into one run. */
  readonly shapeKey: string
}

/**
 * Holds a request against a model's signature.
 * Errors: status INVALID_ARGUMENT naming the tensor, for unknown, missing or double names, datatype, shape, rows and byte count.
 */
export function checkRequest(
  model: string,
  signature: ModelSignature,
  request: { readonly inputs: readonly RawTensor[]; readonly outputs: readonly string[] },
): CheckedRequest {
  const refuse = (message: string): never => {
    throw inferenceError('INVALID_ARGUMENT', `model "${model}": ${message}`)
  }
  const { inputs: wanted, maxBatchSize } = signature
  const inputs: (RawTensor | null)[] = new Array(wanted.length).fill(null)
  let rows = -1
  for (const tensor of request.inputs) {
    const index = wanted.findIndex((candidate) => candidate.name === tensor.name)
    if (index < 0) refuse(`unknown input "${tensor.name}"; it takes ${wanted.map((input) => input.name).join(', ')}`)
    if (inputs[index]) refuse(`input "${tensor.name}" is given twice`)
    const problem = tensorProblem(tensor, wanted[index]!, maxBatchSize)
    if (problem) refuse(`input "${tensor.name}" ${problem}`)
    if (maxBatchSize > 0) {
      if (rows >= 0 && rows !== tensor.shape[0]) refuse(`input "${tensor.name}" has ${tensor.shape[0]} rows, another has ${rows}`)
      rows = tensor.shape[0]!
    }
    inputs[index] = tensor
  }
  const missing = wanted.findIndex((input, i) => !input.optional && !inputs[i])
  if (missing >= 0) refuse(`input "${wanted[missing]!.name}" is missing`)
  for (const name of request.outputs) {
    if (!signature.outputs.some((output) => output.name === name)) {
      refuse(`unknown output "${name}"; it gives ${signature.outputs.map((output) => output.name).join(', ')}`)
    }
  }
  const outputs = request.outputs.length > 0 ? request.outputs : signature.outputs.map((output) => output.name)
  return { inputs, outputs, rows: Math.max(1, rows), shapeKey: shapeKeyOf(inputs, maxBatchSize > 0) }
}

function tensorProblem(tensor: RawTensor, wanted: ModelTensor, maxBatchSize: number): string | null {
  if (tensor.datatype !== wanted.datatype) return `is ${tensor.datatype}, not ${wanted.datatype}`
  const batched = maxBatchSize > 0
  const dims = batched ? tensor.shape.slice(1) : tensor.shape
  const expected = `[${[...(batched ? [-1] : []), ...wanted.dims].join(',')}]`
  if (tensor.shape.length !== wanted.dims.length + (batched ? 1 : 0)) return `has shape [${tensor.shape}], not ${expected}`
  if (tensor.shape.some((size) => !Number.isSafeInteger(size) || size < 1))
    return `has shape [${tensor.shape}], where each size must be 1 or more`
  if (dims.some((size, i) => wanted.dims[i] !== -1 && wanted.dims[i] !== size))
    return `has shape [${tensor.shape}], not ${expected}`
  if (batched && tensor.shape[0]! > maxBatchSize) return `has ${tensor.shape[0]} rows, more than max_batch_size ${maxBatchSize}`
  const sizeBytes = elementCount(tensor.shape) * datatypeBytes[tensor.datatype]
  if (tensor.bytes.length !== sizeBytes)
    return `has ${tensor.bytes.length} bytes, but shape [${tensor.shape}] of ${tensor.datatype} is ${sizeBytes}`
  return null
}

function shapeKeyOf(inputs: readonly (RawTensor | null)[], batched: boolean): string {
  if (!batched) return ''
  let key = ''
  for (const tensor of inputs) {
    key += tensor ? '|' : '|-'
    if (tensor) for (let i = 1; i < tensor.shape.length; i++) key += `${tensor.shape[i]},`
  }
  return key
}
