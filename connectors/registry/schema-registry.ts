import type { Client } from '@confluentinc/schemaregistry'
import { MillraceError } from '../../core/errors.ts'
import type { SchemaRegistry } from '../../ports/schema-registry.ts'

export interface ConfluentSchemaRegistryOptions {
  /** Base URLs of the Confluent API; several of one cluster are tried in turn. */
  readonly urls: readonly string[]
  /** Longest wait for one answer; 5 s by default. */
  readonly requestTimeoutMs?: number
  /** Tries after the first one, of a request that was not answered or answered with a passing fault; 3 by default, about 2 s in all. */
  readonly retriesMax?: number
}

const statusUnknown = 404
const statusIncompatible = 409
const statusInvalidSchema = 422

/**
 * A schema registry with Confluent's HTTP API (Confluent, Karapace, Apicurio at /apis/ccompat/v7). The client library takes half a
 * second to load, so it is loaded at the first call.
 */
export class ConfluentSchemaRegistry implements SchemaRegistry {
  readonly #options: ConfluentSchemaRegistryOptions
  #client: Promise<Client> | null = null

  constructor(options: ConfluentSchemaRegistryOptions) {
    if (options.urls.length === 0) {
      throw new MillraceError('MILL_CONFIG_INVALID', 'the schema registry needs at least one base URL')
    }
    this.#options = options
  }

  async register(subject: string, schema: string): Promise<number> {
    const text = canonical(subject, schema)
    try {
      const { Compatibility } = await import('@confluentinc/schemaregistry')
      const client = await this.#connected()
      // Before the first version too: from then on every version is held against the one before it.
      await client.updateCompatibility(subject, Compatibility.BACKWARD)
      return await client.register(subject, { schema: text, schemaType: 'AVRO' }, false)
    } catch (error) {
      throw refusal(subject, error) ?? this.#unavailable(`register ${subject}`, error)
    }
  }

  async byId(id: number): Promise<string | null> {
    const found = await this.#find(`read schema ${id}`, (client) => client.getBySubjectAndId('', id))
    return found?.schema ?? null
  }

  async latest(subject: string): Promise<{ readonly id: number; readonly version: number; readonly schema: string } | null> {
    const found = await this.#find(`read the newest schema of ${subject}`, (client) => {
      client.clearLatestCaches() // Somebody else may have registered a newer one.
      return client.getLatestSchemaMetadata(subject)
    })
    if (!found) return null
    const { id, version, schema } = found
    if (id === undefined || version === undefined) {
      throw this.#unavailable(`read the newest schema of ${subject}`, new Error('it answered without id or version'))
    }
    return { id, version, schema }
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => null)
    await client?.close()
  }

  /** Runs a look-up; what the registry does not know is null. */
  async #find<T>(doing: string, work: (client: Client) => Promise<T>): Promise<T | null> {
    try {
      return await work(await this.#connected())
    } catch (error) {
      if (statusOf(error) === statusUnknown) return null
      throw this.#unavailable(doing, error)
    }
  }

  #unavailable(doing: string, error: unknown): MillraceError {
    const { urls } = this.#options
    const reason = error instanceof Error ? error.message || error.name : String(error)
    const message = `the schema registry at ${urls.join(', ')} could not ${doing}: ${reason}; is it up, and is "registry.url" right?`
    return new MillraceError('MILL_REGISTRY_UNAVAILABLE', message, { cause: error, details: { doing, urls: [...urls] } })
  }

  #connected(): Promise<Client> {
    this.#client ??= this.#load()
    return this.#client
  }

  async #load(): Promise<Client> {
    const { SchemaRegistryClient } = await import('@confluentinc/schemaregistry')
    const { urls, requestTimeoutMs, retriesMax } = this.#options
    return SchemaRegistryClient.newClient({
      baseURLs: urls.map((url) => url.replace(/\/+$/, '')),
      createAxiosDefaults: { timeout: requestTimeoutMs ?? 5_000 },
      maxRetries: retriesMax ?? 3,
      retriesWaitMs: 200,
      retriesMaxWaitMs: 1_000,
    })
  }
}

/** The schema without its layout, so the same schema has one id whoever formatted it. */
function canonical(subject: string, schema: string): string {
  try {
    return JSON.stringify(JSON.parse(schema))
  } catch (cause) {
    throw new MillraceError(
      'MILL_SCHEMA_INCOMPATIBLE',
      `the schema for ${subject} is not valid JSON: ${(cause as Error).message}`,
      {
        cause,
        details: { subject },
      },
    )
  }
}

function refusal(subject: string, error: unknown): MillraceError | null {
  const status = statusOf(error)
  if (status !== statusIncompatible && status !== statusInvalidSchema) return null
  const reasons = (error as Error).message
  const text =
    status === statusIncompatible
      ? `the new schema of ${subject} cannot read what was written with the registered one: give added fields a default (${reasons})`
      : `the schema for ${subject} is not valid Avro (${reasons})`
  return new MillraceError('MILL_SCHEMA_INCOMPATIBLE', text, { cause: error, details: { subject, reasons } })
}

function statusOf(error: unknown): number {
  return Number((error as { status?: unknown } | null)?.status ?? 0)
}
