import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InferenceWireWriter } from '../../schemas/inference-wire-writer.ts'

// Tiny ONNX graphs written by hand, so that tests need neither Python nor files in the repository. Field numbers are those of
// onnx.proto3; opset 17 and IR 8, which every ONNX Runtime of the last years loads.

const types = { FP32: 1, INT32: 6, INT64: 7, FP64: 11 } as const
type Type = keyof typeof types

interface Value {
  readonly name: string
  readonly type: Type
  /** A text is an open dimension. */
  readonly shape: readonly (number | string)[]
}

interface Constant {
  readonly name: string
  readonly type: Type
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array | BigInt64Array
}

interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly ints?: Readonly<Record<string, number>>
}

interface Graph {
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly constants: readonly Constant[]
  readonly nodes: readonly Node[]
}

/** The bytes of a model.onnx. */
export function onnxModel(graph: Graph): Uint8Array {
  const writer = new InferenceWireWriter(4096)
  writer.int64(1, 8n)
  writer.string(2, 'millrace-test')
  writer.message(7, (g) => {
    for (const node of graph.nodes) g.message(1, (n) => writeNode(n, node))
    g.string(2, 'graph')
    for (const constant of graph.constants) g.message(5, (c) => writeConstant(c, constant))
    for (const value of graph.inputs) g.message(11, (v) => writeValue(v, value))
    for (const value of graph.outputs) g.message(12, (v) => writeValue(v, value))
  })
  writer.message(8, (opset) => opset.int64(2, 17n))
  return Uint8Array.from(writer.finish())
}

/** y = x·W + b, plus `sum` = the sum of y over its columns: x FP32 [B, rows of W] → y FP32 [B, columns], sum FP32 [B, 1]. */
export function linearModel(weights: readonly (readonly number[])[], bias: readonly number[]): Uint8Array {
  const rows = weights.length
  const columns = bias.length
  return onnxModel({
    inputs: [{ name: 'x', type: 'FP32', shape: ['B', rows] }],
    outputs: [
      { name: 'y', type: 'FP32', shape: ['B', columns] },
      { name: 'sum', type: 'FP32', shape: ['B', 1] },
    ],
    constants: [
      { name: 'w', type: 'FP32', shape: [rows, columns], data: Float32Array.from(weights.flat()) },
      { name: 'b', type: 'FP32', shape: [columns], data: Float32Array.from(bias) },
      { name: 'axis', type: 'INT64', shape: [1], data: BigInt64Array.of(1n) },
    ],
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
      { op: 'Add', inputs: ['xw', 'b'], outputs: ['y'] },
      { op: 'ReduceSum', inputs: ['y', 'axis'], outputs: ['sum'], ints: { keepdims: 1 } },
    ],
  })
}

/** Looks ids up in a table, clipped into it: id INT64 or INT32 [B, 1] → row FP32 [B, 1, width], echo (same type) [B, 1]. */
export function gatherModel(
  table: readonly (readonly number[])[],
  type: 'INT64' | 'INT32' = 'INT64',
  clipped = true,
): Uint8Array {
  const width = table[0]!.length
  const one = (value: number): BigInt64Array | Int32Array =>
    type === 'INT64' ? BigInt64Array.of(BigInt(value)) : Int32Array.of(value)
  return onnxModel({
    inputs: [{ name: 'id', type, shape: ['B', 1] }],
    outputs: [
      { name: 'row', type: 'FP32', shape: ['B', 1, width] },
      { name: 'echo', type, shape: ['B', 1] },
    ],
    constants: [
      { name: 'table', type: 'FP32', shape: [table.length, width], data: Float32Array.from(table.flat()) },
      { name: 'low', type, shape: [], data: one(0) },
      { name: 'high', type, shape: [], data: one(table.length - 1) },
    ],
    nodes: [
      { op: 'Clip', inputs: ['id', 'low', 'high'], outputs: ['clipped'] },
      { op: 'Gather', inputs: ['table', clipped ? 'clipped' : 'id'], outputs: ['row'], ints: { axis: 0 } },
      { op: 'Identity', inputs: ['id'], outputs: ['echo'] },
    ],
  })
}

/**
 * What follows the newest item of a sequence, by a table: item_sequence INT64 [B, length] → item_ids INT64 and scores FP32 [B, K]. Row n of
 * the tables is for item n, row 0 for none.
 */
export function sequenceModel(
  following: readonly (readonly number[])[],
  scores: readonly (readonly number[])[],
  length: number,
): Uint8Array {
  const shape = [following.length, following[0]!.length]
  return onnxModel({
    inputs: [{ name: 'item_sequence', type: 'INT64', shape: ['B', length] }],
    outputs: [
      { name: 'item_ids', type: 'INT64', shape: ['B', shape[1]!] },
      { name: 'scores', type: 'FP32', shape: ['B', shape[1]!] },
    ],
    constants: [
      { name: 'newest', type: 'INT64', shape: [], data: BigInt64Array.of(BigInt(length - 1)) },
      { name: 'ids', type: 'INT64', shape, data: BigInt64Array.from(following.flat(), BigInt) },
      { name: 'odds', type: 'FP32', shape, data: Float32Array.from(scores.flat()) },
    ],
    nodes: [
      { op: 'Gather', inputs: ['item_sequence', 'newest'], outputs: ['last'], ints: { axis: 1 } },
      { op: 'Gather', inputs: ['ids', 'last'], outputs: ['item_ids'], ints: { axis: 0 } },
      { op: 'Gather', inputs: ['odds', 'last'], outputs: ['scores'], ints: { axis: 0 } },
    ],
  })
}

/** The vectors of terms, row 0 for none, added up and made of length 1: term_rows INT64 [B, terms] → embedding FP32 [B, width]. */
export function textModel(table: readonly (readonly number[])[], terms: number): Uint8Array {
  const width = table[0]!.length
  return onnxModel({
    inputs: [{ name: 'term_rows', type: 'INT64', shape: ['B', terms] }],
    outputs: [{ name: 'embedding', type: 'FP32', shape: ['B', width] }],
    constants: [
      { name: 'table', type: 'FP32', shape: [table.length, width], data: Float32Array.from(table.flat()) },
      { name: 'axis', type: 'INT64', shape: [1], data: BigInt64Array.of(1n) },
      { name: 'least', type: 'FP32', shape: [], data: Float32Array.of(1e-6) },
      { name: 'first', type: 'INT64', shape: [], data: BigInt64Array.of(0n) },
      { name: 'last', type: 'INT64', shape: [], data: BigInt64Array.of(BigInt(table.length - 1)) },
    ],
    nodes: [
      { op: 'Clip', inputs: ['term_rows', 'first', 'last'], outputs: ['rows'] },
      { op: 'Gather', inputs: ['table', 'rows'], outputs: ['words'], ints: { axis: 0 } },
      { op: 'ReduceSum', inputs: ['words', 'axis'], outputs: ['total'], ints: { keepdims: 0 } },
      { op: 'Mul', inputs: ['total', 'total'], outputs: ['squares'] },
      { op: 'ReduceSum', inputs: ['squares', 'axis'], outputs: ['square'], ints: { keepdims: 1 } },
      { op: 'Sqrt', inputs: ['square'], outputs: ['length'] },
      { op: 'Max', inputs: ['length', 'least'], outputs: ['divisor'] },
      { op: 'Div', inputs: ['total', 'divisor'], outputs: ['embedding'] },
    ],
  })
}

/** y = x + (something that takes `steps` products of a size×size matrix): a run long enough to meet a second request. */
export function slowModel(size: number, steps: number): Uint8Array {
  const nodes: Node[] = [
    { op: 'ReduceMean', inputs: ['x'], outputs: ['mean'], ints: { keepdims: 0 } },
    { op: 'Add', inputs: ['seed', 'mean'], outputs: ['h0'] },
  ]
  for (let i = 0; i < steps; i++) nodes.push({ op: 'MatMul', inputs: [`h${i}`, 'seed'], outputs: [`h${i + 1}`] })
  nodes.push({ op: 'ReduceMean', inputs: [`h${steps}`], outputs: ['noise'], ints: { keepdims: 0 } })
  nodes.push({ op: 'Mul', inputs: ['noise', 'zero'], outputs: ['nothing'] })
  nodes.push({ op: 'Add', inputs: ['x', 'nothing'], outputs: ['y'] })
  return onnxModel({
    inputs: [{ name: 'x', type: 'FP32', shape: ['B', 1] }],
    outputs: [{ name: 'y', type: 'FP32', shape: ['B', 1] }],
    constants: [
      { name: 'seed', type: 'FP32', shape: [size, size], data: new Float32Array(size * size).fill(1e-4) },
      { name: 'zero', type: 'FP32', shape: [], data: Float32Array.of(0) },
    ],
    nodes,
  })
}

/** Puts a model version into a repository the way a publisher does: written aside, then renamed into place. */
export async function publish(
  repository: string,
  name: string,
  version: number,
  model: Uint8Array,
  config?: string,
): Promise<void> {
  const folder = join(repository, name)
  const aside = join(folder, `.${version}.new`)
  await mkdir(aside, { recursive: true })
  await writeFile(join(aside, 'model.onnx'), model)
  if (config !== undefined) await writeFile(join(folder, 'config.pbtxt'), config)
  await rename(aside, join(folder, String(version)))
}

function writeNode(writer: InferenceWireWriter, node: Node): void {
  for (const input of node.inputs) writer.stringAlways(1, input)
  for (const output of node.outputs) writer.stringAlways(2, output)
  writer.string(4, node.op)
  for (const [name, value] of Object.entries(node.ints ?? {})) {
    writer.message(5, (attribute) => {
      attribute.string(1, name)
      attribute.int64(3, BigInt(value))
      attribute.int64(20, 2n)
    })
  }
}

function writeConstant(writer: InferenceWireWriter, constant: Constant): void {
  for (const size of constant.shape) writer.int64(1, BigInt(size))
  writer.int64(2, BigInt(types[constant.type]))
  writer.string(8, constant.name)
  writer.bytes(9, new Uint8Array(constant.data.buffer, constant.data.byteOffset, constant.data.byteLength))
}

function writeValue(writer: InferenceWireWriter, value: Value): void {
  writer.string(1, value.name)
  writer.message(2, (type) => {
    type.message(1, (tensor) => {
      tensor.int64(1, BigInt(types[value.type]))
      tensor.message(2, (shape) => {
        for (const size of value.shape) {
          shape.message(1, (dimension) => {
            if (typeof size === 'number') dimension.int64(1, BigInt(size))
            else dimension.string(2, size)
          })
        }
      })
    })
  })
}
