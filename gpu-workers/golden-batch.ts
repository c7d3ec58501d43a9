import { readFile } from 'node:fs/promises'
import { MillraceError } from '../core/errors.ts'
import { datatypeBytes, type RawTensor } from '../schemas/inference-datatype.ts'
import { rawToTensor, type TypedTensor, tensorToRaw } from '../schemas/inference-tensor.ts'
import type { ModelVersion } from './model-version.ts'

/** Rows as JSON: numbers nested as deep as the tensor has dimensions. */
type Nested = number | readonly Nested[]

/** What a version must answer, written by whoever trained it. */
export interface GoldenBatch {
  /** Largest difference allowed in any number. */
  readonly tolerance: number
  /** By input name, all rows. */
  readonly inputs: Readonly<Record<string, Nested>>
  /** By output name, what the trained network answered. */
  readonly outputs: Readonly<Record<string, Nested>>
}

/** How near a version came to its golden batch. */
export interface GoldenResult {
  readonly rows: number
  readonly tolerance: number
  /** Largest difference found. */
  readonly worst: number
}

const deadlineMs = 30_000

/** Reads a golden.json. Errors: `MILL_MODEL_INVALID` if it is missing or not one. */
export async function readGoldenBatch(path: string): Promise<GoldenBatch> {
  try {
    const golden = JSON.parse(await readFile(path, 'utf8')) as GoldenBatch
    if (!(golden.tolerance >= 0) || !golden.inputs || !golden.outputs) throw new Error('tolerance, inputs or outputs are missing')
    return golden
  } catch (cause) {
    throw new MillraceError('MILL_MODEL_INVALID', `${path} is no golden batch: ${(cause as Error).message}`, { cause })
  }
}

/**
 * Asks a version for its golden batch and compares. Errors: `MILL_MODEL_INVALID` when a number is off by more than the tolerance, is not
 * finite, or is missing; those of the version.
 */
export async function checkGoldenBatch(version: ModelVersion, golden: GoldenBatch): Promise<GoldenResult> {
  const wrong = (what: string) => new MillraceError('MILL_MODEL_INVALID', `${version.model} ${version.version}: ${what}`)
  const inputs = version.signature.inputs.flatMap(({ name, datatype, optional }): RawTensor[] => {
    const values = golden.inputs[name]
    if (values === undefined && optional) return []
    if (values === undefined) throw wrong(`the golden batch has no input "${name}"`)
    return [rawOf(name, datatype as TypedTensor['datatype'], values)]
  })
  const names = Object.keys(golden.outputs)
  const limits = { deadlineMs: Number.POSITIVE_INFINITY, timeoutUs: deadlineMs * 1000, priority: 0 }
  const answer = await version.submit({ inputs, outputs: names }, limits).answer
  let worst = 0
  for (const name of names) {
    const tensor = answer.find((output) => output.name === name)
    const wanted = flatten(golden.outputs[name]!)
    const got = tensor ? rawToTensor(tensor).data : new Float32Array(0)
    if (got.length !== wanted.length) throw wrong(`"${name}" has ${got.length} numbers, the golden batch ${wanted.length}`)
    for (let i = 0; i < wanted.length; i++) {
      const difference = Math.abs(Number(got[i]) - wanted[i]!)
      if (!(difference <= golden.tolerance))
        throw wrong(
          `it does not answer its golden batch: "${name}" number ${i} is ${got[i]} where ${wanted[i]} was learned (tolerance ${golden.tolerance})`,
        )
      worst = Math.max(worst, difference)
    }
  }
  return { rows: inputs[0]?.shape[0] ?? 0, tolerance: golden.tolerance, worst }
}

function rawOf(name: string, datatype: TypedTensor['datatype'], values: Nested): RawTensor {
  const numbers = flatten(values)
  const shape: number[] = []
  for (let at = values; Array.isArray(at); at = at[0]!) shape.push(at.length)
  const data =
    datatype === 'INT64'
      ? BigInt64Array.from(numbers, BigInt)
      : datatype === 'INT32'
        ? Int32Array.from(numbers)
        : datatype === 'FP64'
          ? Float64Array.from(numbers)
          : datatype === 'FP32'
            ? Float32Array.from(numbers)
            : Uint8Array.from(numbers)
  if (data.BYTES_PER_ELEMENT !== datatypeBytes[datatype])
    throw new MillraceError('MILL_MODEL_INVALID', `input "${name}" is ${datatype}, which a golden batch cannot hold`)
  return tensorToRaw({ name, datatype, shape, data })
}

function flatten(values: Nested): number[] {
  return ([values] as readonly Nested[]).flat(8) as number[]
}
