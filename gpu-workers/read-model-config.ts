import { MillraceError } from '../core/errors.ts'
import { batchBuckets, configDatatypes, knownParameters, type ModelConfig } from './model-config.ts'
import { parseTextFormat, type TextField, type TextPlace, type TextValue, textError } from './text-format.ts'

type Kind =
  | { readonly kind: 'bool' }
  | { readonly kind: 'string'; readonly values?: readonly string[] }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'message'; readonly fields: Fields }
  | { readonly kind: 'map'; readonly value: Kind }

interface Field {
  readonly type: Kind
  readonly repeated?: boolean
  readonly required?: boolean
}
type Fields = Readonly<Record<string, Field>>

const string: Kind = { kind: 'string' }
const bool: Kind = { kind: 'bool' }
const integer = (min: number, max = Number.MAX_SAFE_INTEGER): Kind => ({ kind: 'integer', min, max })
const oneOf = (...values: string[]): Kind => ({ kind: 'enum', values })
const message = (fields: Fields): Kind => ({ kind: 'message', fields })
const datatype = oneOf(...Object.keys(configDatatypes))
const dims: Field = { type: integer(-1, 2 ** 31 - 1), repeated: true }

const accelerator = message({ name: { type: string, required: true }, parameters: { type: { kind: 'map', value: string } } })

/** The subset of Triton's model configuration that this worker honours; anything else is refused rather than ignored. */
const configFields: Fields = {
  name: { type: string },
  platform: { type: { kind: 'string', values: ['onnxruntime_onnx'] } },
  backend: { type: { kind: 'string', values: ['onnxruntime'] } },
  max_batch_size: { type: integer(0, 65_536) },
  input: { repeated: true, type: message({ ...tensorFields(), optional: { type: bool } }) },
  output: { repeated: true, type: message(tensorFields()) },
  instance_group: {
    repeated: true,
    type: message({
      name: { type: string },
      kind: { type: oneOf('KIND_AUTO', 'KIND_GPU', 'KIND_CPU') },
      count: { type: integer(1, 64) },
      gpus: { type: integer(0, 64), repeated: true },
    }),
  },
  version_policy: {
    type: message({
      latest: { type: message({ num_versions: { type: integer(1, 64) } }) },
      all: { type: message({}) },
      specific: { type: message({ versions: { type: integer(1), repeated: true, required: true } }) },
    }),
  },
  default_model_filename: { type: string },
  dynamic_batching: {
    type: message({
      preferred_batch_size: { type: integer(1, 65_536), repeated: true },
      max_queue_delay_microseconds: { type: integer(0, 10_000_000) },
      preserve_ordering: { type: bool },
      priority_levels: { type: integer(0, 64) },
      default_priority_level: { type: integer(0, 64) },
      default_queue_policy: {
        type: message({
          timeout_action: { type: oneOf('REJECT', 'DELAY') },
          default_timeout_microseconds: { type: integer(0) },
          allow_timeout_override: { type: bool },
          max_queue_size: { type: integer(0, 1_000_000) },
        }),
      },
    }),
  },
  optimization: {
    type: message({
      graph: { type: message({ level: { type: integer(-1, 2) } }) },
      execution_accelerators: {
        type: message({
          gpu_execution_accelerator: { type: accelerator, repeated: true },
          cpu_execution_accelerator: { type: accelerator, repeated: true },
        }),
      },
    }),
  },
  parameters: { type: { kind: 'map', value: message({ string_value: { type: string } }) } },
  model_warmup: {
    repeated: true,
    type: message({
      name: { type: string },
      batch_size: { type: integer(0, 65_536) },
      count: { type: integer(0, 1_000) },
      inputs: {
        required: true,
        type: {
          kind: 'map',
          value: message({
            data_type: { type: datatype, required: true },
            dims,
            zero_data: { type: bool },
            random_data: { type: bool },
          }),
        },
      },
    }),
  },
}

function tensorFields(): Fields {
  return {
    name: { type: string, required: true },
    data_type: { type: datatype, required: true },
    dims: { ...dims, required: true },
  }
}

/**
 * Reads a config.pbtxt. `name` is the model's folder; a file that names another model is refused.
 * Errors: `MILL_MODEL_INVALID` with file, line, column and field, for unknown keys as for wrong values.
 */
export function readModelConfig(text: string, source: { readonly file: string; readonly name: string }): ModelConfig {
  const root = readMessage(parseTextFormat(text, source.file), configFields, {
    file: source.file,
    place: { line: 1, column: 1 },
    path: '',
  })
  const config = {
    max_batch_size: 0,
    input: [],
    output: [],
    ...root,
    name: root['name'] || source.name,
  } as unknown as ModelConfig
  checkModelConfig(config, source)
  return config
}

interface Context {
  readonly file: string
  readonly place: TextPlace
  readonly path: string
}

function readMessage(fields: readonly TextField[], schema: Fields, context: Context): Record<string, unknown> {
  const message: Record<string, unknown> = {}
  for (const field of fields) {
    const path = context.path === '' ? field.name : `${context.path}.${field.name}`
    const here = { file: context.file, place: field.place, path }
    const known = Object.hasOwn(schema, field.name) ? schema[field.name] : undefined
    if (!known)
      throw textError(here.file, here.place, `unknown field "${path}"; known here: ${Object.keys(schema).join(', ') || 'none'}`)
    if (known.type.kind === 'map') {
      message[field.name] ??= {}
      readMapEntry(field.value, known.type.value, message[field.name] as Record<string, unknown>, here)
    } else if (known.repeated) {
      message[field.name] ??= []
      ;(message[field.name] as unknown[]).push(readValue(field.value, known.type, here))
    } else {
      if (Object.hasOwn(message, field.name)) throw textError(here.file, here.place, `field "${path}" is set twice`)
      message[field.name] = readValue(field.value, known.type, here)
    }
  }
  for (const [name, field] of Object.entries(schema)) {
    if (field.required && !Object.hasOwn(message, name)) {
      throw textError(context.file, context.place, `field "${context.path === '' ? name : `${context.path}.${name}`}" is missing`)
    }
  }
  return message
}

function readMapEntry(value: TextValue, type: Kind, into: Record<string, unknown>, here: Context): void {
  if (value.kind !== 'message') throw textError(here.file, here.place, `field "${here.path}" needs { key: … value … }`)
  const entry = readMessage(value.fields, { key: { type: string, required: true }, value: { type, required: true } }, here)
  const key = String(entry['key'])
  if (Object.hasOwn(into, key)) throw textError(here.file, here.place, `field "${here.path}" has the key "${key}" twice`)
  into[key] = entry['value']
}

function readValue(value: TextValue, type: Kind, here: Context): unknown {
  const fail = (wanted: string): never => {
    throw textError(here.file, here.place, `field "${here.path}" must be ${wanted}`)
  }
  if (type.kind === 'message') return value.kind === 'message' ? readMessage(value.fields, type.fields, here) : fail('{ … }')
  if (value.kind === 'message') return fail('a single value')
  if (type.kind === 'string') {
    if (value.kind !== 'string') return fail('a string in quotes')
    return !type.values || type.values.includes(value.text)
      ? value.text
      : fail(`one of ${type.values.map((one) => `"${one}"`).join(', ')}`)
  }
  if (value.kind === 'string') return fail('without quotes')
  if (type.kind === 'bool') return value.text === 'true' || (value.text === 'false' ? false : fail('true or false'))
  if (type.kind === 'enum') return type.values.includes(value.text) ? value.text : fail(`one of ${type.values.join(', ')}`)
  if (type.kind !== 'integer') return fail('another value')
  const number = /^-?\d+$/.test(value.text) ? Number(value.text) : Number.NaN
  if (number >= type.min && number <= type.max) return number
  return fail(`a whole number from ${type.min} to ${type.max}`)
}

function checkModelConfig(config: ModelConfig, source: { readonly file: string; readonly name: string }): void {
  const refuse = (message: string): never => {
    throw new MillraceError('MILL_MODEL_INVALID', `${source.file}: ${message}`, { details: { file: source.file } })
  }
  if (config.name !== source.name) refuse(`field "name" is "${config.name}" but the folder is "${source.name}"; make them equal`)
  if (Object.keys(config.version_policy ?? {}).length > 1) refuse('field "version_policy" must name one of latest, all, specific')
  for (const tensors of [config.input, config.output]) {
    if (new Set(tensors.map((tensor) => tensor.name)).size !== tensors.length) refuse('two tensors have the same name')
    for (const tensor of tensors) {
      if (tensor.dims.some((dimension) => dimension === 0)) refuse(`tensor "${tensor.name}": field "dims" holds 0`)
    }
  }
  for (const [name, parameter] of Object.entries(config.parameters ?? {})) {
    if (!knownParameters.includes(name as never)) refuse(`unknown parameter "${name}"; known: ${knownParameters.join(', ')}`)
    const text = parameter.string_value ?? ''
    if (!/^\d+(,\d+)*$/.test(text) || (name !== 'batch_buckets' && text.includes(','))) {
      refuse(
        `parameter "${name}" must be a whole number${name === 'batch_buckets' ? ' or several with commas' : ''}, not "${text}"`,
      )
    }
  }
  const buckets = batchBuckets(config)
  if (buckets.some((rows, i) => rows < 1 || rows <= (buckets[i - 1] ?? 0) || rows > config.max_batch_size)) {
    refuse('parameter "batch_buckets" must ascend, from 1 up to max_batch_size')
  }
  if (config.max_batch_size === 0 && config.dynamic_batching) refuse('field "dynamic_batching" needs max_batch_size > 0')
}
