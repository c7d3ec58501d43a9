import { readFileSync } from 'node:fs'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv, type ErrorObject } from 'ajv'
import { MillraceError } from '../core/errors.ts'
import type { Experiment, ExperimentMeasure } from '../schemas/experiment.ts'
import { experimentFault } from '../schemas/experiment-fault.ts'
import { plainExperiment } from './configured-experiment.ts'
import { readTime, timeWords } from './read-time.ts'

const closed = { additionalProperties: false } as const
const texts = Type.Array(Type.String())
const time = Type.Union([Type.String(), Type.Integer()])

/** What an experiment may say in a file; all but id and variants may be left out. */
const fileSchema = Type.Object(
  {
    id: Type.String(),
    layer: Type.Optional(Type.String()),
    layerFrom: Type.Optional(Type.Number()),
    layerTo: Type.Optional(Type.Number()),
    variants: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          weight: Type.Optional(Type.Number()),
          policy: Type.Optional(Type.Union([Type.String(), Type.Null()])),
          settings: Type.Optional(Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])),
        },
        closed,
      ),
    ),
    control: Type.Optional(Type.String()),
    coverage: Type.Optional(Type.Number()),
    hash: Type.Optional(Type.String()),
    holdout: Type.Optional(Type.String()),
    surfaces: Type.Optional(texts),
    regions: Type.Optional(texts),
    devices: Type.Optional(texts),
    goals: Type.Optional(texts),
    guardrails: Type.Optional(Type.Record(Type.String(), Type.Number())),
    alpha: Type.Optional(Type.Number()),
    tunedFor: Type.Optional(Type.Integer()),
    from: Type.Optional(time),
    to: Type.Optional(time),
    note: Type.Optional(Type.String()),
  },
  closed,
)
type ExperimentFile = Static<typeof fileSchema>

/**
 * Reads an experiment from a JSON file. Left out: `layer` is the id, `control` the first variant, weights are 1, the goal is
 * click-through, all else nothing. Errors: `MILL_EXPERIMENT_INVALID` naming the file, the field and the fix.
 */
export function readExperimentFile(path: string): Experiment {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw refusal(path, `it is not readable as JSON: ${(cause as Error).message}`, cause)
  }
  const fits = new Ajv({ strict: false }).compile<ExperimentFile>(fileSchema)
  if (!fits(value)) throw refusal(path, worded(fits.errors![0]!))
  const experiment = experimentOf(value, path)
  const fault = experimentFault(experiment)
  if (fault !== null) throw refusal(path, fault)
  return experiment
}

function experimentOf({ from, to, goals, guardrails, variants, ...file }: ExperimentFile, path: string): Experiment {
  const measures = [
    ...(goals ?? ['click-through']).map((metric) => ({ metric, lossMax: null })),
    ...Object.entries(guardrails ?? {}).map(([metric, lossMax]) => ({ metric, lossMax })),
  ]
  return {
    ...plainExperiment,
    layer: file.id,
    control: variants[0]?.name ?? '',
    ...(file as Partial<Experiment> & { readonly id: string }),
    variants: variants.map(({ name, weight = 1, policy = null, settings = null }) => ({
      name,
      weight,
      policy: policy as never,
      settings: settings && JSON.stringify(settings),
    })),
    measures: measures as ExperimentMeasure[],
    fromMs: timeOf(from, 'from', path),
    toMs: timeOf(to, 'to', path),
  }
}

function timeOf(value: unknown, field: string, path: string): number | null {
  if (value === undefined) return null
  const timeMs = readTime(value)
  if (timeMs === null) throw refusal(path, `field "${field}": ${timeWords}`)
  return timeMs
}

function worded({ instancePath, keyword, params, message }: ErrorObject): string {
  const field = instancePath.slice(1).replaceAll('/', '.')
  if (keyword === 'additionalProperties') {
    const unknown = [field, (params as { additionalProperty: string }).additionalProperty].filter((part) => part !== '').join('.')
    return `field "${unknown}" is unknown; there are ${Object.keys(fileSchema.properties).join(', ')}`
  }
  return field === ''
    ? `${message}; e.g. {"id": "new-ranker", "variants": [{"name": "old"}, {"name": "new"}]}`
    : `field "${field}" ${message}`
}

function refusal(path: string, what: string, cause?: unknown): MillraceError {
  return new MillraceError('MILL_EXPERIMENT_INVALID', `${path}: ${what}`, { cause })
}
