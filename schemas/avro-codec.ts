import { AvroReader } from './avro-reader.ts'
import type { AvroWriter } from './avro-writer.ts'

/** Reads and writes the values of one Avro schema. */
export interface AvroCodec<T> {
  /** Appends the value. Throws a plain `Error` that says what was wanted; which field it was is found by whoever reports it. */
  write(writer: AvroWriter, value: T): void
  /** Reads from `from` to the end of the bytes. Throws a plain `Error`. */
  decode(bytes: Uint8Array, from?: number): T
}

/** What a schema does not say. */
export interface AvroCodecOptions {
  /** Names of text fields whose values hardly repeat: they are not looked up among those read before. */
  readonly uniqueFields?: readonly string[]
}

type Schema = string | readonly Schema[] | SchemaObject

interface SchemaObject {
  readonly type: Schema
  readonly name?: string
  readonly fields?: readonly { readonly name: string; readonly type: Schema }[]
  readonly items?: Schema
  readonly symbols?: readonly string[]
  readonly logicalType?: string
  readonly scale?: number
}

/** Decoding never waits, so one reader serves all. */
const reader = new AvroReader()

/**
 * Compiles a schema into straight code, one function each way, for the part of Avro 1.12 that our schemas use: records, arrays,
 * enums, optional values, primitive types and `decimal` over bytes. The bytes are those of any Avro library: a test holds them
 * against another one. Throws an `Error` for a type it does not know.
 */
export function avroCodec<T>(definition: unknown, options: AvroCodecOptions = {}): AvroCodec<T> {
  const compiler = new Compiler(options)
  const writing = compiler.writing(definition as Schema, 'value')
  const reading = compiler.reading(definition as Schema)
  const source = `'use strict'\nreturn { write(writer, value) {\n${writing}}, read() {\n${reading.code}return ${reading.value}\n} }`
  const { constants } = compiler
  const functions = new Function(...constants.keys(), source)(...constants.values()) as {
    write: AvroCodec<T>['write']
    read: () => T
  }
  return {
    write: functions.write,
    decode(bytes, from = 0) {
      reader.open(bytes, from)
      const value = functions.read()
      reader.close()
      return value
    },
  }
}

/** How a primitive type is checked before it is written. */
const checks: Readonly<Record<string, (value: string) => string>> = {
  boolean: (value) => `typeof ${value} !== 'boolean'`,
  int: (value) => `${value} !== (${value} | 0)`,
  long: (value) => `!Number.isSafeInteger(${value})`,
  float: (value) => `typeof ${value} !== 'number'`,
  double: (value) => `typeof ${value} !== 'number'`,
  string: (value) => `typeof ${value} !== 'string'`,
  bytes: (value) => `!(${value} instanceof Uint8Array)`,
}

/** The methods of reader and writer that do not have the type's name. */
const methods: Readonly<Record<string, string>> = { string: 'text' }

/** Turns schemas into code; what the code refers to is in `constants`, by name. */
class Compiler {
  readonly constants = new Map<string, unknown>([
    ['reader', reader],
    ['fail', fail],
    ['decimalBytes', decimalBytes],
    ['decimalValue', decimalValue],
  ])
  readonly #named = new Map<string, SchemaObject>()
  readonly #uniqueFields: ReadonlySet<string>
  #names = 0

  constructor({ uniqueFields }: AvroCodecOptions) {
    this.#uniqueFields = new Set(uniqueFields)
  }

  /** Statements that write the value of an expression. */
  writing(schema: Schema, value: string): string {
    const optional = optionalOf(schema)
    if (optional !== undefined)
      return `if (${value} === null) writer.byte(0); else { writer.byte(2)\n${this.writing(optional, value)}}\n`
    const node = this.#resolved(schema)
    if (node.logicalType === 'decimal') return `writer.bytes(decimalBytes(${value}, ${10 ** (node.scale ?? 0)}))\n`
    switch (node.type) {
      case 'record':
        return node.fields!.map(({ name, type }) => this.#writingField(type, `${value}.${name}`)).join('')
      case 'array': {
        const [list, i] = [this.#name(), this.#name()]
        const items = `for (let ${i} = 0; ${i} < ${list}.length; ${i}++) {\n${this.#writingField(node.items!, `${list}[${i}]`)}}\n`
        return (
          `const ${list} = ${value}; if (!Array.isArray(${list})) fail('an array', ${list})\n` +
          `if (${list}.length > 0) { writer.long(${list}.length)\n${items}}\nwriter.byte(0)\n`
        )
      }
      case 'enum': {
        const numbers = this.#constant(new Map(node.symbols!.map((symbol, index) => [symbol, index])))
        const number = this.#name()
        const message = JSON.stringify(`one of ${node.symbols!.join(', ')}`)
        return `const ${number} = ${numbers}.get(${value}); if (${number} === undefined) fail(${message}, ${value})\nwriter.long(${number})\n`
      }
      case 'boolean':
        return `${checking('boolean', value)}writer.byte(${value} ? 1 : 0)\n`
      default: {
        const type = node.type as string
        return `${checking(type, value)}writer.${methods[type] ?? (type === 'int' ? 'long' : type)}(${value})\n`
      }
    }
  }

  /** Statements that read a value, and the name that then holds it. */
  reading(schema: Schema, isUnique = false): { code: string; value: string } {
    const value = this.#name()
    const optional = optionalOf(schema)
    if (optional !== undefined) {
      const inner = this.reading(optional, isUnique)
      return { value, code: `let ${value} = null\nif (reader.present()) {\n${inner.code}${value} = ${inner.value} }\n` }
    }
    const node = this.#resolved(schema)
    if (node.logicalType === 'decimal')
      return { value, code: `const ${value} = decimalValue(reader.bytes(), ${10 ** (node.scale ?? 0)})\n` }
    switch (node.type) {
      case 'record': {
        const fields = node.fields!.map(({ name, type }) => ({ name, ...this.reading(type, this.#uniqueFields.has(name)) }))
        const object = fields.map((field) => `${field.name}: ${field.value}`).join(', ')
        return { value, code: `${fields.map(({ code }) => code).join('')}const ${value} = { ${object} }\n` }
      }
      case 'array': {
        const item = this.reading(node.items!)
        const [count, i] = [this.#name(), this.#name()]
        const items = `for (let ${i} = 0; ${i} < ${count}; ${i}++) {\n${item.code}${value}.push(${item.value}) }\n`
        return { value, code: `const ${value} = []\nfor (let ${count}; (${count} = reader.block()) > 0; ) {\n${items}}\n` }
      }
      case 'enum': {
        const symbols = this.#constant(node.symbols)
        const message = JSON.stringify(`the number of one of ${node.symbols!.join(', ')}`)
        return {
          value,
          code: `const ${value} = ${symbols}[reader.long()]; if (${value} === undefined) fail(${message}, 'another')\n`,
        }
      }
      default: {
        const type = node.type as string
        const method = isUnique && type === 'string' ? 'uniqueText' : (methods[type] ?? type)
        return { value, code: `const ${value} = reader.${method}()\n` }
      }
    }
  }

  /** A field is read once into a name of its own, so that checking and writing see one value. */
  #writingField(type: Schema, value: string): string {
    const name = this.#name()
    return `{ const ${name} = ${value}\n${this.writing(type, name)}}\n`
  }

  /** The schema with its name looked up; `type` is then a word this compiler knows. */
  #resolved(schema: Schema): SchemaObject {
    if (typeof schema === 'string') {
      const known = this.#named.get(schema)
      if (known) return known
      if (schema in checks) return { type: schema }
      throw new Error(`no code for the Avro type ${schema}`)
    }
    if (Array.isArray(schema)) throw new Error('no code for a union other than of null and one type')
    const node = schema as SchemaObject
    if (typeof node.type !== 'string') return this.#resolved(node.type)
    if (node.name !== undefined) this.#named.set(node.name, node)
    const isKnown = node.type in checks || node.type === 'record' || node.type === 'array' || node.type === 'enum'
    if (!isKnown) throw new Error(`no code for the Avro type ${node.type}`)
    return node
  }

  #constant(value: unknown): string {
    const name = this.#name()
    this.constants.set(name, value)
    return name
  }

  #name(): string {
    return `v${this.#names++}`
  }
}

/** The other type of a union with null in front; undefined for anything else. */
function optionalOf(schema: Schema): Schema | undefined {
  return Array.isArray(schema) && schema.length === 2 && schema[0] === 'null' ? (schema[1] as Schema) : undefined
}

function checking(type: string, value: string): string {
  return `if (${checks[type]!(value)}) fail('${type === 'int' ? 'a 32-bit integer' : `a ${type}`}', ${value})\n`
}

function fail(wanted: string, found: unknown): never {
  throw new Error(`expected ${wanted}, got ${typeof found === 'object' ? typeof found : String(found)}`)
}

/** Big-endian two's complement of the value times the factor, in 1, 2, 4 or 6 bytes. */
function decimalBytes(value: unknown, factor: number): Buffer {
  const units = typeof value === 'number' ? Math.round(value * factor) : Number.NaN
  if (!(Math.abs(units) < 2 ** 47)) fail('an amount of at most 12 digits', value)
  const length =
    units >= -128 && units < 128 ? 1 : units >= -32768 && units < 32768 ? 2 : units >= -(2 ** 31) && units < 2 ** 31 ? 4 : 6
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeIntBE(units, 0, length)
  return bytes
}

function decimalValue(bytes: Buffer, factor: number): number {
  if (bytes.length > 6) throw new Error(`an amount of ${bytes.length} bytes, but 6 are the most`)
  return (bytes.length === 0 ? 0 : bytes.readIntBE(0, bytes.length)) / factor
}
