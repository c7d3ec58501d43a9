import fc from 'fast-check'

type Schema = string | readonly Schema[] | { readonly type: Schema; readonly [property: string]: unknown }
type Named = Map<string, fc.Arbitrary<unknown>>

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'grapheme', maxLength: 4 }), fc.constant(''))

/** Values of an Avro schema as our topics use it: records, arrays, unions with null, enums, primitives, money. */
export function avroValues(schemaText: string): fc.Arbitrary<unknown> {
  return valuesOf(JSON.parse(schemaText) as Schema, new Map())
}

function valuesOf(schema: Schema, named: Named): fc.Arbitrary<unknown> {
  if (typeof schema === 'string') return primitive(schema) ?? named.get(schema.replace('millrace.', ''))!
  if (Array.isArray(schema)) return fc.oneof(...schema.map((branch) => valuesOf(branch, named)))
  const { type, ...rest } = schema as { type: Schema } & Record<string, unknown>
  if (rest['logicalType'] === 'decimal') return fc.integer({ min: -99_999_999, max: 99_999_999 }).map((cents) => cents / 100)
  if (type === 'array') return fc.array(valuesOf(rest['items'] as Schema, named), { maxLength: 4 })
  if (type === 'enum') return remembered(schema, named, fc.constantFrom(...(rest['symbols'] as string[])))
  if (type !== 'record') return valuesOf(type, named)
  const fields = rest['fields'] as { name: string; type: Schema }[]
  return remembered(
    schema,
    named,
    fc.record(Object.fromEntries(fields.map((field) => [field.name, valuesOf(field.type, named)]))),
  )
}

function remembered(schema: Schema, named: Named, values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  named.set((schema as unknown as { name: string }).name, values)
  return values
}

function primitive(name: string): fc.Arbitrary<unknown> | undefined {
  switch (name) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'int':
      return fc.integer()
    case 'long':
      return fc.oneof(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.nat()) // What avsc takes for exact.
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'string':
      return text
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
    default:
      return undefined
  }
}
