import { MillraceError } from '../core/errors.ts'
import type { WireDatatype } from '../schemas/inference-datatype.ts'
import { type ConfigDatatype, type ConfigTensor, configDatatypes, type ModelConfig } from './model-config.ts'
import type { SessionInfo, SignatureTensor } from './session-messages.ts'

/** One input or output as requests see it. */
export interface ModelTensor {
  readonly name: string
  readonly datatype: WireDatatype
  /** Without the batch dimension when the model batches; -1 = variable. */
  readonly dims: readonly number[]
  readonly optional: boolean
}

/** What a model takes and gives: its config completed by, and held against, what ONNX Runtime found in the file. */
export interface ModelSignature {
  /** 0: requests have no batch dimension. */
  readonly maxBatchSize: number
  readonly inputs: readonly ModelTensor[]
  readonly outputs: readonly ModelTensor[]
}

/**
 * Completes a config without `input` or `output` from the session and refuses one that contradicts it. Outputs of the file that the config
 * does not name are served too: versions of one config may differ in them.
 * Errors: `MILL_MODEL_INVALID` naming the version and the tensor.
 */
export function resolveSignature(config: ModelConfig, info: SessionInfo, version: number): ModelSignature {
  const batched = config.max_batch_size > 0
  const of = `model "${config.name}" version ${version}`
  return {
    maxBatchSize: config.max_batch_size,
    inputs: resolveTensors(of, { what: 'input', wanted: config.input, found: info.inputs, batched, allNeeded: true }),
    outputs: resolveTensors(of, { what: 'output', wanted: config.output, found: info.outputs, batched, allNeeded: false }),
  }
}

/** The config as clients see it: completed by the signature, with the provider the model really runs on. */
export function completeConfig(config: ModelConfig, signature: ModelSignature, info: SessionInfo): ModelConfig {
  const parameters: Record<string, { string_value: string }> = { execution_provider: { string_value: info.provider } }
  if (info.providerReason !== '') parameters['execution_provider_reason'] = { string_value: info.providerReason }
  return {
    ...config,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    input: signature.inputs.map(configTensorOf),
    output: signature.outputs.map(configTensorOf),
    parameters: { ...config.parameters, ...parameters },
  }
}

/** Triton's rule for a model without config.pbtxt: batches of 4 where every first dimension is open, else none. */
export function defaultConfig(name: string, info: SessionInfo): ModelConfig {
  const open = [...info.inputs, ...info.outputs].every((tensor) => tensor.shape[0] === -1)
  return { name, max_batch_size: open ? 4 : 0, input: [], output: [], ...(open ? { dynamic_batching: {} } : {}) }
}

function resolveTensors(
  of: string,
  side: {
    what: string
    wanted: readonly ConfigTensor[]
    found: readonly SignatureTensor[]
    batched: boolean
    allNeeded: boolean
  },
): ModelTensor[] {
  const refuse = (message: string): never => {
    throw new MillraceError('MILL_MODEL_INVALID', `${of}: ${message}`)
  }
  for (const found of side.found) {
    if (side.batched && found.shape[0] !== -1)
      refuse(`${side.what} "${found.name}" has a fixed first dimension; max_batch_size must be 0`)
  }
  const trailing = (found: SignatureTensor): readonly number[] => (side.batched ? found.shape.slice(1) : found.shape)
  const asFound = (found: SignatureTensor): ModelTensor => ({
    name: found.name,
    datatype: found.datatype,
    dims: trailing(found),
    optional: false,
  })
  if (side.wanted.length === 0) return side.found.map(asFound)
  const names = side.found.map((found) => found.name).join(', ')
  if (side.allNeeded) {
    const missing = side.found.find((found) => !side.wanted.some((tensor) => tensor.name === found.name))
    if (missing) refuse(`${side.what} "${missing.name}" of the file is not in config.pbtxt`)
  }
  const unnamed = side.found.filter((found) => !side.wanted.some(({ name }) => name === found.name))
  const named = side.wanted.map((tensor) => {
    const found = side.found.find((candidate) => candidate.name === tensor.name)
    if (!found) return refuse(`${side.what} "${tensor.name}" is not in the file, which has ${names}`)
    const datatype = configDatatypes[tensor.data_type]
    if (datatype !== found.datatype)
      refuse(`${side.what} "${tensor.name}" is ${tensor.data_type} in config.pbtxt but ${found.datatype} in the file`)
    const dims = trailing(found)
    const agrees =
      dims.length === tensor.dims.length &&
      dims.every((size, i) => size === -1 || tensor.dims[i] === -1 || size === tensor.dims[i])
    if (!agrees) refuse(`${side.what} "${tensor.name}" has dims [${tensor.dims}] in config.pbtxt but [${dims}] in the file`)
    return {
      name: tensor.name,
      datatype,
      dims: tensor.dims.map((size, i) => (size === -1 ? dims[i]! : size)),
      optional: tensor.optional ?? false,
    }
  })
  return [...named, ...unnamed.map(asFound)]
}

function configTensorOf(tensor: ModelTensor): ConfigTensor {
  const names = Object.keys(configDatatypes) as ConfigDatatype[]
  const data_type = names.find((name) => configDatatypes[name] === tensor.datatype) ?? 'TYPE_FP32'
  return { name: tensor.name, data_type, dims: tensor.dims, ...(tensor.optional ? { optional: true } : {}) }
}
