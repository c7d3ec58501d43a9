import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import {
  decodeModelInferRequest,
  decodeModelInferResponse,
  decodeModelStreamInferResponse,
  encodeModelInferRequest,
  encodeModelInferResponse,
  encodeModelStreamInferResponse,
} from '../../schemas/inference-codec.ts'
import { contentsToRaw } from '../../schemas/inference-contents.ts'
import type {
  InferParameter,
  InferTensorContents,
  InferTensorMessage,
  ModelInferRequest,
} from '../../schemas/inference-messages.ts'
import { rawToTensor } from '../../schemas/inference-tensor.ts'

// The independent witness is protobufjs reading and writing inference.proto: what one writes the other must read.

const root = protobuf.loadSync(fileURLToPath(new URL('../../schemas/inference.proto', import.meta.url)))
const requestType = root.lookupType('inference.ModelInferRequest')
const responseType = root.lookupType('inference.ModelInferResponse')
const streamType = root.lookupType('inference.ModelStreamInferResponse')

const name = fc.string({ unit: 'grapheme', maxLength: 12 })
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const float = fc.float({ noNaN: true })
const double = fc.double({ noNaN: true })
const bytes = fc.uint8Array({ maxLength: 300 })
const list = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 6 })

const parameter: fc.Arbitrary<InferParameter> = fc.oneof(
  fc.record({ kind: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('int64' as const), value: int64 }),
  fc.record({ kind: fc.constant('string' as const), value: name }),
  fc.record({ kind: fc.constant('double' as const), value: double }),
  fc.record({ kind: fc.constant('uint64' as const), value: uint64 }),
)
// protobufjs keeps maps in plain objects and drops the key "__proto__".
const parameters = fc
  .array(
    fc.tuple(
      name.filter((key) => key !== '__proto__'),
      parameter,
    ),
    { maxLength: 3 },
  )
  .map((entries) => new Map(entries))
const contents: fc.Arbitrary<InferTensorContents> = fc.record({
  bools: list(fc.boolean()),
  ints: list(fc.integer()),
  int64s: list(int64),
  uints: list(fc.nat({ max: 0xffffffff })),
  uint64s: list(uint64),
  fp32s: list(float),
  fp64s: list(double),
  bytes: list(bytes),
})
const tensor: fc.Arbitrary<InferTensorMessage> = fc.record({
  name,
  datatype: fc.constantFrom('', 'FP32', 'INT64', 'BYTES'),
  shape: list(fc.oneof(fc.constant(-1), fc.nat(), fc.maxSafeInteger())),
  parameters,
  contents: fc.option(contents),
})
const head = { modelName: name, modelVersion: name, id: name, parameters }
const request: fc.Arbitrary<ModelInferRequest> = fc.record({
  ...head,
  inputs: list(tensor),
  outputs: list(fc.record({ name, parameters })),
  rawContents: list(bytes),
})
const response = fc.record({ ...head, outputs: list(tensor), rawContents: list(bytes) })

/** Our messages as protobufjs prints them: camel case, 64-bit numbers as text, bytes as plain arrays, no absent fields. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return [...value]
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, one]) => [key, { [`${one.kind}Param`]: plain(one.value) }]))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : String(value)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, plain(one)]])))
}

function theirTensor(message: InferTensorMessage): object {
  const { contents: values, shape, ...rest } = message
  const theirs = values && {
    boolContents: values.bools,
    intContents: values.ints,
    int64Contents: values.int64s,
    uintContents: values.uints,
    uint64Contents: values.uint64s,
    fp32Contents: values.fp32s,
    fp64Contents: values.fp64s,
    bytesContents: values.bytes,
  }
  return { ...rest, shape: shape.map(String), ...(theirs ? { contents: theirs } : {}) }
}

function theirRequest(message: ModelInferRequest): object {
  const { inputs, rawContents, ...rest } = message
  return { ...rest, inputs: inputs.map(theirTensor), rawInputContents: rawContents }
}

const read = (type: protobuf.Type, message: Uint8Array): unknown =>
  plain(type.toObject(type.decode(message), { longs: String, defaults: true, arrays: true, objects: true, oneofs: false }))

/** With defaults printed, an unset oneof member of a parameter also shows; keep what was set. */
function withoutUnset(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnset)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (one === null ? [] : [[key, withoutUnset(one)]])))
}

describe('inference codec', () => {
  it('protobufjs reads the requests it writes', () => {
    fc.assert(
      fc.property(request, (message) => {
        expect(withoutUnset(read(requestType, encodeModelInferRequest(message)))).toEqual(plain(theirRequest(message)))
      }),
      { numRuns: 300 },
    )
  })

  it('reads the requests that protobufjs writes', () => {
    fc.assert(
      fc.property(request, (message) => {
        const theirs = requestType.encode(requestType.fromObject(plain(theirRequest(message)) as object)).finish()
        expect(plain(decodeModelInferRequest(theirs))).toEqual(plain(message))
      }),
      { numRuns: 300 },
    )
  })

  it('agrees with protobufjs on responses, alone and in a stream', () => {
    fc.assert(
      fc.property(response, name, (message, errorMessage) => {
        const theirs = {
          ...message,
          outputs: message.outputs.map(theirTensor),
          rawOutputContents: message.rawContents,
          rawContents: undefined,
        }
        const written = encodeModelInferResponse(message)
        expect(withoutUnset(read(responseType, written))).toEqual(plain(theirs))
        expect(plain(decodeModelInferResponse(responseType.encode(responseType.decode(written)).finish()))).toEqual(
          plain(message),
        )
        const inStream = encodeModelStreamInferResponse({ errorMessage, response: message })
        expect(withoutUnset(read(streamType, inStream))).toEqual({ errorMessage, inferResponse: plain(theirs) })
        expect(plain(decodeModelStreamInferResponse(inStream))).toEqual(plain({ errorMessage, response: message }))
      }),
      { numRuns: 200 },
    )
  })

  it('skips fields it does not know and takes unpacked numbers', () => {
    const newer = protobuf.parse(`syntax = "proto3"; message New {
      string model_name = 1; fixed64 a = 100; fixed32 b = 101; string c = 102; int64 d = 103; repeated Tensor inputs = 5;
      message Tensor { repeated int64 shape = 3 [packed = false]; double e = 9; } }`)
    const type = newer.root.lookupType('New')
    const written = type
      .encode(type.fromObject({ modelName: 'm', a: 1, b: 2, c: 'x', d: -5, inputs: [{ shape: [-1, 3], e: 1 }] }))
      .finish()
    expect(decodeModelInferRequest(written)).toMatchObject({ modelName: 'm', inputs: [{ shape: [-1, 3] }] })
  })

  it('refuses broken bytes with an error of its own, never with garbage from beyond the message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        try {
          decodeModelInferRequest(noise)
        } catch (error) {
          expect(error).toMatchObject({ code: 'MILL_INFERENCE_INVALID' })
        }
      }),
    )
    const whole = encodeModelInferRequest({
      modelName: 'model',
      modelVersion: '',
      id: '',
      parameters: new Map(),
      inputs: [],
      outputs: [],
      rawContents: [new Uint8Array(40)],
    })
    const cut = whole.subarray(0, whole.length - 1)
    expect(() => decodeModelInferRequest(cut)).toThrow(/broken at byte 9: 40 bytes wanted, 39 left/)
  })
})

describe('tensor bytes', () => {
  it('a tensor is read at every byte offset', () => {
    const values = Float32Array.of(1.5, -2.25, 3e38)
    for (let offset = 0; offset < 8; offset++) {
      const buffer = new Uint8Array(offset + 12)
      buffer.set(new Uint8Array(values.buffer), offset)
      const raw = { name: 'x', datatype: 'FP32', shape: [3], bytes: buffer.subarray(offset) } as const
      expect(rawToTensor(raw).data).toEqual(values)
    }
  })

  it.each([
    ['BOOL', { bools: [true, false] }, [1, 0]],
    ['INT8', { ints: [-1, 127] }, [255, 127]],
    ['UINT16', { uints: [65535, 1] }, [255, 255, 1, 0]],
    ['INT32', { ints: [-2] }, [254, 255, 255, 255]],
    ['UINT64', { uint64s: [2n ** 64n - 1n] }, [255, 255, 255, 255, 255, 255, 255, 255]],
    ['FP32', { fp32s: [1] }, [0, 0, 128, 63]],
    ['FP64', { fp64s: [1] }, [0, 0, 0, 0, 0, 0, 240, 63]],
  ] as const)('typed contents of %s become little-endian bytes', (datatype, values, expected) => {
    expect([...contentsToRaw('x', datatype, { ...none, ...values } as unknown as InferTensorContents)]).toEqual(expected)
  })

  it('typed contents of another type, or of two, are refused', () => {
    expect(() => contentsToRaw('x', 'FP32', { ...none, fp64s: [1] })).toThrow(/"x".*FP32/)
    expect(() => contentsToRaw('x', 'FP32', { ...none, fp32s: [1], ints: [1] })).toThrow(/"x"/)
    expect(() => contentsToRaw('x', 'FP16', none)).toThrow(/FP16/)
  })
})

const none: InferTensorContents = { bools: [], ints: [], int64s: [], uints: [], uint64s: [], fp32s: [], fp64s: [], bytes: [] }
