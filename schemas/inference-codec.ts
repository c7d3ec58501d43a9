import type {
  InferParameter,
  InferParameters,
  InferRequestedOutput,
  InferTensorContents,
  InferTensorMessage,
  ModelInferRequest,
  ModelInferResponse,
  ModelStreamInferResponse,
} from './inference-messages.ts'
import { noParameters } from './inference-messages.ts'
import { InferenceWireReader } from './inference-wire-reader.ts'
import { InferenceWireWriter } from './inference-wire-writer.ts'

// A hand-written codec because a generic one decodes tensors element by element, hundreds of times slower. Raw contents stay
// views into the message. Held equal to protobufjs over inference.proto by test/schemas/inference-codec.test.ts.

/** Writes a `ModelInferRequest`. */
export function encodeModelInferRequest(request: ModelInferRequest): Buffer {
  return Buffer.concat(modelInferRequestChunks(request))
}

/** The same as pieces to be sent one after the other: raw contents as they lie there, for of a large batch each copy costs more than all else. */
export function modelInferRequestChunks(request: ModelInferRequest): Uint8Array[] {
  let writer = new InferenceWireWriter()
  writer.string(1, request.modelName)
  writer.string(2, request.modelVersion)
  writer.string(3, request.id)
  writeParameters(writer, 4, request.parameters)
  for (const input of request.inputs) writer.message(5, (nested) => writeTensor(nested, input))
  for (const output of request.outputs) {
    writer.message(6, (nested) => {
      nested.string(1, output.name)
      writeParameters(nested, 2, output.parameters)
    })
  }
  const chunks: Uint8Array[] = []
  for (const raw of request.rawContents) {
    writer.bytesHead(7, raw.length)
    chunks.push(writer.finish(), raw)
    writer = new InferenceWireWriter(0)
  }
  return [...chunks, writer.finish()].filter(({ length }) => length > 0)
}

/** Reads a `ModelInferRequest`; raw contents are views into `bytes`. Errors: `MILL_INFERENCE_INVALID`. */
export function decodeModelInferRequest(bytes: Uint8Array): ModelInferRequest {
  const reader = new InferenceWireReader(bytes)
  let modelName = ''
  let modelVersion = ''
  let id = ''
  let parameters: Map<string, InferParameter> | null = null
  const inputs: InferTensorMessage[] = []
  const outputs: InferRequestedOutput[] = []
  const rawContents: Uint8Array[] = []
  while (!reader.done) {
    const key = reader.key()
    if (key === 0x0a) modelName = reader.string()
    else if (key === 0x12) modelVersion = reader.string()
    else if (key === 0x1a) id = reader.string()
    else if (key === 0x22) parameters = readParameter(reader.message(), parameters)
    else if (key === 0x2a) inputs.push(readTensor(reader.message()))
    else if (key === 0x32) outputs.push(readRequestedOutput(reader.message()))
    else if (key === 0x3a) rawContents.push(reader.bytes())
    else reader.skip(key)
  }
  return { modelName, modelVersion, id, parameters: parameters ?? noParameters, inputs, outputs, rawContents }
}

/** Writes a `ModelInferResponse`. */
export function encodeModelInferResponse(response: ModelInferResponse): Buffer {
  const writer = new InferenceWireWriter(sizeHint(response.rawContents))
  writeResponse(writer, response)
  return writer.finish()
}

/** Reads a `ModelInferResponse`; raw contents are views into `bytes`. Errors: `MILL_INFERENCE_INVALID`. */
export function decodeModelInferResponse(bytes: Uint8Array): ModelInferResponse {
  return readResponse(new InferenceWireReader(bytes))
}

/** Writes a `ModelStreamInferResponse`. */
export function encodeModelStreamInferResponse(message: ModelStreamInferResponse): Buffer {
  const { response } = message
  const writer = new InferenceWireWriter(sizeHint(response?.rawContents ?? []))
  writer.string(1, message.errorMessage)
  if (response) writer.message(2, (nested) => writeResponse(nested, response))
  return writer.finish()
}

/** Reads a `ModelStreamInferResponse`. Errors: `MILL_INFERENCE_INVALID`. */
export function decodeModelStreamInferResponse(bytes: Uint8Array): ModelStreamInferResponse {
  const reader = new InferenceWireReader(bytes)
  let errorMessage = ''
  let response: ModelInferResponse | null = null
  while (!reader.done) {
    const key = reader.key()
    if (key === 0x0a) errorMessage = reader.string()
    else if (key === 0x12) response = readResponse(reader.message())
    else reader.skip(key)
  }
  return { errorMessage, response }
}

function writeResponse(writer: InferenceWireWriter, response: ModelInferResponse): void {
  writer.string(1, response.modelName)
  writer.string(2, response.modelVersion)
  writer.string(3, response.id)
  writeParameters(writer, 4, response.parameters)
  for (const output of response.outputs) writer.message(5, (nested) => writeTensor(nested, output))
  for (const raw of response.rawContents) writer.bytes(6, raw)
}

function readResponse(reader: InferenceWireReader): ModelInferResponse {
  let modelName = ''
  let modelVersion = ''
  let id = ''
  let parameters: Map<string, InferParameter> | null = null
  const outputs: InferTensorMessage[] = []
  const rawContents: Uint8Array[] = []
  while (!reader.done) {
    const key = reader.key()
    if (key === 0x0a) modelName = reader.string()
    else if (key === 0x12) modelVersion = reader.string()
    else if (key === 0x1a) id = reader.string()
    else if (key === 0x22) parameters = readParameter(reader.message(), parameters)
    else if (key === 0x2a) outputs.push(readTensor(reader.message()))
    else if (key === 0x32) rawContents.push(reader.bytes())
    else reader.skip(key)
  }
  return { modelName, modelVersion, id, parameters: parameters ?? noParameters, outputs, rawContents }
}

function writeTensor(writer: InferenceWireWriter, tensor: InferTensorMessage): void {
  writer.string(1, tensor.name)
  writer.string(2, tensor.datatype)
  writer.packed(3, tensor.shape, (nested, dimension) => nested.varint(dimension))
  writeParameters(writer, 4, tensor.parameters)
  const { contents } = tensor
  if (contents) writer.message(5, (nested) => writeContents(nested, contents))
}

function readTensor(reader: InferenceWireReader): InferTensorMessage {
  let name = ''
  let datatype = ''
  const shape: number[] = []
  let parameters: Map<string, InferParameter> | null = null
  let contents: InferTensorContents | null = null
  while (!reader.done) {
    const key = reader.key()
    if (key === 0x0a) name = reader.string()
    else if (key === 0x12) datatype = reader.string()
    else if (key >>> 3 === 3) reader.repeated(key, (one) => shape.push(one.int64Number()))
    else if (key === 0x22) parameters = readParameter(reader.message(), parameters)
    else if (key === 0x2a) contents = readContents(reader.message(), contents)
    else reader.skip(key)
  }
  return { name, datatype, shape, parameters: parameters ?? noParameters, contents }
}

function readRequestedOutput(reader: InferenceWireReader): InferRequestedOutput {
  let name = ''
  let parameters: Map<string, InferParameter> | null = null
  while (!reader.done) {
    const key = reader.key()
    if (key === 0x0a) name = reader.string()
    else if (key === 0x12) parameters = readParameter(reader.message(), parameters)
    else reader.skip(key)
  }
  return { name, parameters: parameters ?? noParameters }
}

function writeContents(writer: InferenceWireWriter, contents: InferTensorContents): void {
  writer.packed(1, contents.bools, (nested, value) => nested.varint(value ? 1 : 0))
  writer.packed(2, contents.ints, (nested, value) => nested.varint(value))
  writer.packed(3, contents.int64s, (nested, value) => nested.bigVarint(value))
  writer.packed(4, contents.uints, (nested, value) => nested.varint(value))
  writer.packed(5, contents.uint64s, (nested, value) => nested.bigVarint(value))
  writer.packed(6, contents.fp32s, (nested, value) => nested.fixed32Float(value))
  writer.packed(7, contents.fp64s, (nested, value) => nested.fixed64Float(value))
  for (const value of contents.bytes) writer.bytes(8, value)
}

function readContents(reader: InferenceWireReader, into: InferTensorContents | null): InferTensorContents {
  const contents = into ?? { bools: [], ints: [], int64s: [], uints: [], uint64s: [], fp32s: [], fp64s: [], bytes: [] }
  while (!reader.done) {
    const key = reader.key()
    const field = key >>> 3
    if (field === 1) reader.repeated(key, (one) => contents.bools.push(one.bool()))
    else if (field === 2) reader.repeated(key, (one) => contents.ints.push(one.int32()))
    else if (field === 3) reader.repeated(key, (one) => contents.int64s.push(one.int64()))
    else if (field === 4) reader.repeated(key, (one) => contents.uints.push(one.uint32()))
    else if (field === 5) reader.repeated(key, (one) => contents.uint64s.push(one.uint64()))
    else if (field === 6) reader.repeated(key, (one) => contents.fp32s.push(one.float()))
    else if (field === 7) reader.repeated(key, (one) => contents.fp64s.push(one.double()))
    else if (key === 0x42) contents.bytes.push(reader.bytes())
    else reader.skip(key)
  }
  return contents
}

function writeParameters(writer: InferenceWireWriter, field: number, parameters: InferParameters): void {
  for (const [name, parameter] of parameters) {
    writer.message(field, (entry) => {
      entry.stringAlways(1, name)
      entry.message(2, (nested) => {
        if (parameter.kind === 'bool') nested.bool(1, parameter.value)
        else if (parameter.kind === 'int64') nested.int64(2, parameter.value)
        else if (parameter.kind === 'string') nested.stringAlways(3, parameter.value)
        else if (parameter.kind === 'double') nested.double(4, parameter.value)
        else nested.int64(5, parameter.value)
      })
    })
  }
}

/** One map entry; an entry whose value names no kind is left out, as it says nothing. */
function readParameter(entry: InferenceWireReader, into: Map<string, InferParameter> | null): Map<string, InferParameter> {
  const parameters = into ?? new Map<string, InferParameter>()
  let name = ''
  let parameter: InferParameter | null = null
  while (!entry.done) {
    const key = entry.key()
    if (key === 0x0a) name = entry.string()
    else if (key === 0x12) parameter = readParameterValue(entry.message())
    else entry.skip(key)
  }
  if (parameter) parameters.set(name, parameter)
  return parameters
}

function readParameterValue(reader: InferenceWireReader): InferParameter | null {
  let parameter: InferParameter | null = null
  while (!reader.done) {
    const key = reader.key()
    if (key === 0x08) parameter = { kind: 'bool', value: reader.bool() }
    else if (key === 0x10) parameter = { kind: 'int64', value: reader.int64() }
    else if (key === 0x1a) parameter = { kind: 'string', value: reader.string() }
    else if (key === 0x21) parameter = { kind: 'double', value: reader.double() }
    else if (key === 0x28) parameter = { kind: 'uint64', value: reader.uint64() }
    else reader.skip(key)
  }
  return parameter
}

function sizeHint(rawContents: readonly Uint8Array[]): number {
  let size = 512
  for (const raw of rawContents) size += raw.length + 8
  return size
}
