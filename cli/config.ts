import { existsSync, readFileSync } from 'node:fs'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { MillraceError } from '../core/errors.ts'
import { attributionConfig } from './attribution-config.ts'
import { recommendationConfig } from './recommendation-config.ts'
import { rewardConfig } from './reward-config.ts'

const closed = { additionalProperties: false } as const

/** The configuration with its defaults; `docs/configuration.md` is generated from the descriptions. */
export const configSchema = Type.Object(
  {
    stack: Type.Union([Type.Literal('embedded'), Type.Literal('distributed')], {
      default: 'embedded',
      description: 'embedded: one SQLite file and in-process inference. distributed: Kafka, registry, Redis and workers.',
    }),
    partitions: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: 4,
      description: 'Partitions of every topic. Changing it later needs the state moved.',
    }),
    embedded: Type.Object(
      {
        path: Type.String({
          minLength: 1,
          default: '.millrace/embedded.db',
          description: 'The SQLite file; :memory: keeps nothing.',
        }),
      },
      { ...closed, default: {} },
    ),
    kafka: Type.Object(
      {
        brokers: Type.Array(Type.String({ pattern: '^.+:\\d+$' }), {
          minItems: 1,
          default: ['127.0.0.1:9092'],
          description: 'Brokers to start from, host:port.',
        }),
        sessionTimeoutMs: Type.Integer({
          minimum: 1_000,
          maximum: 300_000,
          default: 15_000,
          description:
            'A process that Kafka does not hear of for so long loses its partitions; a crashed one holds them as long. Below 6000 the brokers must allow it (group.min.session.timeout.ms).',
        }),
        replicationFactor: Type.Integer({ minimum: 1, maximum: 9, default: 1, description: 'Copies of each created topic.' }),
      },
      { ...closed, default: {} },
    ),
    registry: Type.Object(
      {
        url: Type.String({
          minLength: 1,
          default: 'http://127.0.0.1:8081/apis/ccompat/v7',
          description: 'Base URL of the Confluent-compatible registry.',
        }),
      },
      { ...closed, default: {} },
    ),
    redis: Type.Object(
      {
        url: Type.String({
          minLength: 1,
          default: 'redis://127.0.0.1:6379',
          description: 'redis://host:port, or redis-cluster://h:p,h:p.',
        }),
      },
      { ...closed, default: {} },
    ),
    inference: Type.Object(
      {
        workers: Type.Array(Type.String({ pattern: '^.+:\\d+$' }), {
          default: [],
          description: 'gRPC addresses of inference workers; empty = in this process.',
        }),
        repository: Type.String({ default: 'models/repository', description: 'Model repository of in-process inference.' }),
        threads: Type.Integer({
          minimum: 0,
          maximum: 64,
          default: 1,
          description: 'Sessions per model in this process; 0 = as each config.pbtxt says.',
        }),
        deadlineMs: Type.Integer({
          minimum: 1,
          maximum: 10_000,
          default: 100,
          description: 'Time a worker has for one request.',
        }),
      },
      { ...closed, default: {} },
    ),
    gateway: Type.Object(
      {
        host: Type.String({ default: '127.0.0.1', description: 'Address the HTTP gateway listens on.' }),
        port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: 'Its port; 0 = a free one.' }),
        cursorSecret: Type.String({
          default: '',
          description: 'Signs page cursors; set the same one on every copy behind a balancer. Empty = a random one per process.',
        }),
        apiKeys: Type.Array(Type.String({ minLength: 8 }), {
          default: [],
          description: 'Keys of which one must be sent as x-api-key; empty = open.',
        }),
      },
      { ...closed, default: {} },
    ),
    admin: Type.Object(
      {
        host: Type.String({ default: '127.0.0.1', description: 'Address of the admin side.' }),
        port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8090, description: 'Its port; 0 = a free one.' }),
      },
      { ...closed, default: {} },
    ),
    stopLimitMs: Type.Integer({
      minimum: 1_000,
      maximum: 600_000,
      default: 25_000,
      description:
        'A process that has not stopped so long after SIGINT or SIGTERM ends with exit code 3; what it had not committed is read again.',
    }),
    topologies: Type.Array(Type.String(), { default: [], description: 'Names of the topologies to run; empty = all.' }),
    features: Type.Object(
      { latenessMs: Type.Integer({ minimum: 0, default: 600_000, description: 'How late an event may come, in event time.' }) },
      { ...closed, default: {} },
    ),
    rewards: rewardConfig,
    attribution: attributionConfig,
    experiment: Type.Object(
      {
        name: Type.String({ default: 'learned-against-trend', description: 'Name; also the salt of the assignment.' }),
        trendShare: Type.Number({ minimum: 0, maximum: 1, default: 0.2, description: 'Share of people who get the trend list.' }),
      },
      { ...closed, default: {} },
    ),
    recommendations: recommendationConfig,
    telemetry: Type.Object(
      {
        otlpUrl: Type.String({ default: '', description: 'OTLP/HTTP endpoint for metrics and spans; empty = Prometheus only.' }),
      },
      { ...closed, default: {} },
    ),
    log: Type.Object(
      {
        level: Type.Union(
          ['debug', 'info', 'warn', 'error', 'silent'].map((level) => Type.Literal(level)),
          { default: 'warn', description: 'Least important lines written.' },
        ),
      },
      { ...closed, default: {} },
    ),
    simulator: Type.Object(
      {
        enabled: Type.Boolean({
          default: false,
          description: 'Whether start feeds the synthetic shop into user-events, users and items. Never on a real shop.',
        }),
        seed: Type.String({ default: '7', description: 'Seed of the synthetic shop.' }),
        users: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 2000, description: 'People.' }),
        items: Type.Integer({ minimum: 80, maximum: 200_000, default: 1500, description: 'Items at the start.' }),
        eventsPerSecond: Type.Number({
          minimum: 0.1,
          maximum: 100_000,
          default: 50,
          description: 'Events per second of shop time.',
        }),
      },
      { ...closed, default: {} },
    ),
  },
  closed,
)

export type Config = Static<typeof configSchema>

/** The check of a configuration, made when the first one is read. */
let compiled: ValidateFunction | undefined

/** Reads a configuration file (or none), lays environment and overrides over it, fills defaults, refuses what is wrong. */
export function loadConfig(path: string | undefined, overrides: Readonly<Record<string, unknown>> = {}): Config {
  const config: Record<string, unknown> = path === undefined ? {} : readJson(path)
  layOver(config, withLists(environment()))
  layOver(config, withLists(overrides))
  compiled ??= new Ajv({ useDefaults: true, coerceTypes: true, allErrors: true, strict: false, verbose: true }).compile(
    configSchema,
  )
  if (compiled(config)) return config as Config
  const source = path ?? 'the configuration'
  // Each alternative of a choice that did not fit is told by the choice itself.
  const faults = (compiled.errors ?? []).filter(({ keyword }) => keyword !== 'const')
  throw new MillraceError('MILL_CONFIG_INVALID', `${source}: ${faults.map(worded).join('; ')}`)
}

function readJson(path: string): Record<string, unknown> {
  if (!existsSync(path)) throw new MillraceError('MILL_CONFIG_INVALID', `there is no configuration file ${path}`)
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new MillraceError('MILL_CONFIG_INVALID', `${path} is no JSON: ${(cause as Error).message}`, { cause })
  }
  if (isGroup(content)) return content
  throw new MillraceError('MILL_CONFIG_INVALID', `${path} must be an object of sections, as in config/embedded.json`)
}

/** A section or a field of the schema. */
interface SchemaNode {
  readonly type?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
}

const root = configSchema as unknown as SchemaNode

/** Settings in which the texts of lists are split: people write them comma-separated. */
function withLists(values: Readonly<Record<string, unknown>>, schema: SchemaNode | undefined = root): Record<string, unknown> {
  const split = Object.entries(values).map(([name, value]): [string, unknown] => {
    const inner = schema?.properties?.[name]
    if (isGroup(value)) return [name, withLists(value, inner)]
    return [name, inner?.type === 'array' && typeof value === 'string' ? value.split(',') : value]
  })
  return Object.fromEntries(split)
}

/** `MILLRACE_REDIS_URL=…` sets `redis.url`. */
function environment(schema: SchemaNode = root, prefix = 'MILLRACE'): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [field, inner] of Object.entries(schema.properties!)) {
    const name = `${prefix}_${field.replace(/([A-Z])/g, '_$1').toUpperCase()}`
    if (inner.properties) {
      const own = environment(inner, name)
      if (Object.keys(own).length > 0) values[field] = own
      continue
    }
    const text = process.env[name]
    if (text !== undefined && text !== '') values[field] = text
  }
  return values
}

function layOver(target: Record<string, unknown>, source: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined) continue
    const inner = target[name]
    if (isGroup(value) && isGroup(inner)) layOver(inner, value)
    else target[name] = isGroup(value) ? structuredClone(value) : value
  }
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function worded(error: ErrorObject): string {
  const field = error.instancePath.slice(1).replaceAll('/', '.')
  if (error.keyword === 'additionalProperties') {
    const unknown = (error.params as { additionalProperty: string }).additionalProperty
    const parent = field.split('.').reduce((node, name) => node.properties?.[name] ?? node, root)
    const known = Object.keys(parent.properties ?? {})
    return `unknown field "${field === '' ? '' : `${field}.`}${unknown}"; did you mean "${nearest(unknown, known)}"?`
  }
  if (error.keyword === 'anyOf') {
    const values = (error.schema as { const: unknown }[]).map((choice) => choice.const)
    return `"${field}" must be one of ${values.join(', ')}`
  }
  if (error.keyword !== 'pattern') return `"${field}" ${error.message}`
  return `"${field}" must be ${patternWords[(error.params as { pattern: string }).pattern]}`
}

/** What a text must be, by the pattern that it does not fit. */
const patternWords: Readonly<Record<string, string>> = {
  '^.+:\\d+$': 'host:port',
  '^[a-z0-9_-]{1,32}$': '1–32 small letters, digits, dashes or underscores',
  '^[0-9]{0,15}$': 'the number of a version, or empty',
  '^([1-9]\\d*|linear)$': 'the number of a version, or linear',
}

function nearest(text: string, known: readonly string[]): string {
  return [...known].sort((a, b) => distance(text, a) - distance(text, b))[0] ?? ''
}

/** Levenshtein distance, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
