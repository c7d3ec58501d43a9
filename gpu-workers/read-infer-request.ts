import { contentsToRaw } from '../schemas/inference-contents.ts'
import { isWireDatatype, type RawTensor } from '../schemas/inference-datatype.ts'
import type { InferParameters, InferTensorContents, ModelInferRequest } from '../schemas/inference-messages.ts'
import { inferenceError } from '../schemas/inference-status.ts'

/** A ModelInfer message with its tensors as bytes and its parameters understood. */
export interface ReadRequest {
  readonly inputs: readonly RawTensor[]
  readonly outputs: readonly string[]
  readonly timeoutUs: number
  readonly priority: number
}

/**
 * Brings both forms of tensor values, raw and typed, to bytes. Parameters nobody here knows are ignored, as the protocol asks.
 * Errors: status INVALID_ARGUMENT for mixed or miscounted contents and unknown datatypes, UNIMPLEMENTED for shared memory.
 */
export function readInferRequest(message: ModelInferRequest): ReadRequest {
  const { inputs, outputs, rawContents } = message
  if (rawContents.length > 0 && rawContents.length !== inputs.length) {
    throw inferenceError('INVALID_ARGUMENT', `raw_input_contents has ${rawContents.length} entries for ${inputs.length} inputs`)
  }
  const tensors = inputs.map((input, i): RawTensor => {
    const { name, datatype, shape, contents } = input
    if (!isWireDatatype(datatype))
      throw inferenceError('INVALID_ARGUMENT', `input "${name}" has the unknown datatype "${datatype}"`)
    refuseSharedMemory(name, input.parameters)
    const raw = rawContents[i]
    if (raw && contents && !isEmpty(contents)) {
      throw inferenceError('INVALID_ARGUMENT', `input "${name}" has typed contents beside raw_input_contents; send one of them`)
    }
    if (!raw && !contents) throw inferenceError('INVALID_ARGUMENT', `input "${name}" has no contents`)
    return { name, datatype, shape, bytes: raw ?? contentsToRaw(name, datatype, contents!) }
  })
  for (const output of outputs) refuseSharedMemory(output.name, output.parameters)
  return {
    inputs: tensors,
    outputs: outputs.map((output) => output.name),
    timeoutUs: numberOf(message.parameters, 'timeout'),
    priority: numberOf(message.parameters, 'priority'),
  }
}

function isEmpty(contents: InferTensorContents): boolean {
  return Object.values(contents).every((list: readonly unknown[]) => list.length === 0)
}

function refuseSharedMemory(name: string, parameters: InferParameters): void {
  if (parameters.has('shared_memory_region'))
    throw inferenceError('UNIMPLEMENTED', `tensor "${name}" lies in shared memory, which is not served`)
}

/** A whole number ≥ 0 as int64 or uint64 (Python clients send `priority` as uint64); 0 when absent. */
function numberOf(parameters: InferParameters, name: string): number {
  const parameter = parameters.get(name)
  if (!parameter) return 0
  const value = parameter.kind === 'int64' || parameter.kind === 'uint64' ? Number(parameter.value) : Number.NaN
  if (!(value >= 0)) throw inferenceError('INVALID_ARGUMENT', `parameter "${name}" must be a whole number of 0 or more`)
  return value
}
