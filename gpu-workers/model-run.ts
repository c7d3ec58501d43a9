import { readFile } from 'node:fs/promises'
import { MillraceError } from '../core/errors.ts'

/** How a version did against the one that was in use when it was published, on the same held-out rows. */
export interface ModelComparison {
  /** The version in use then. */
  readonly with: number
  /** Whether it is not worse by more than the margin, as far as the interval tells. */
  readonly accepted: boolean
  /** Higher is better; absent where the two could not be compared. */
  readonly metric?: string
  readonly new?: number
  readonly in_use?: number
  /** new − in use. */
  readonly difference?: number
  /** 95 % interval of the difference. */
  readonly interval?: readonly [number, number]
  readonly margin?: number
  /** Why the two could not be compared. */
  readonly not_comparable?: string
}

/** What the program that trained a version wrote into its run.json. */
export interface ModelRun {
  /** The training program; null in versions from before it was written down. */
  readonly program: string | null
  /** Hash of the training sources. */
  readonly code: string | null
  /** The version whose weights it started from. */
  readonly parent: number | null
  readonly parameters: Readonly<Record<string, unknown>>
  readonly metrics: Readonly<Record<string, unknown>>
  /** Event times, row count and hashes of what it learned from. */
  readonly data: {
    readonly fromMs: number | null
    readonly toMs: number | null
    readonly rows: number | null
    readonly files: readonly { readonly file: string; readonly sha256: string }[]
  }
  /** Null for a first version, and in versions from before versions were compared. */
  readonly comparison: ModelComparison | null
  /** Why it was published although it was not better; null where nobody insisted. */
  readonly forced: string | null
}

/** Reads a run.json; null if there is none. Errors: `MILL_MODEL_INVALID` for one that is no JSON object. */
export async function readModelRun(path: string): Promise<ModelRun | null> {
  const run = await readObject(path, 'record of a training')
  if (run === null) return null
  const data = objectOf(run['data'])
  return {
    program: textOf(run['program']),
    code: textOf(run['code']),
    parent: numberOf(run['parent']),
    parameters: objectOf(run['parameters']),
    metrics: objectOf(run['metrics']),
    data: {
      fromMs: numberOf(data['from_ms']),
      toMs: numberOf(data['to_ms']),
      // Each program had its own word for rows at first.
      rows: numberOf(data['rows'] ?? data['slots'] ?? data['pairs'] ?? data['touches_train']),
      files: Array.isArray(data['files']) ? (data['files'] as ModelRun['data']['files']) : [],
    },
    comparison: comparisonOf(run['comparison']),
    forced: textOf(run['forced']),
  }
}

/** Reads a comparison of two versions that was made after both were trained; null if there is none. Errors: `MILL_MODEL_INVALID`. */
export async function readModelComparison(path: string): Promise<ModelComparison | null> {
  return comparisonOf(await readObject(path, 'comparison'))
}

/** The object in a JSON file; null if there is no file. */
async function readObject(path: string, what: string): Promise<Readonly<Record<string, unknown>> | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it holds no object')
    return value
  } catch (cause) {
    throw new MillraceError('MILL_MODEL_INVALID', `${path} is no ${what}: ${(cause as Error).message}`, { cause })
  }
}

function comparisonOf(value: unknown): ModelComparison | null {
  const comparison = objectOf(value)
  return Number.isInteger(comparison['with']) && typeof comparison['accepted'] === 'boolean'
    ? (comparison as unknown as ModelComparison)
    : null
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
