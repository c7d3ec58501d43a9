import { type TSchema, Type } from '@sinclair/typebox'

/** A value or null, in the form that the JSON serialiser compiles (a type list, not a union of schemas). */
export function nullable(type: 'string' | 'number' | 'integer', description: string): TSchema {
  return Type.Unsafe({ type: [type, 'null'], description })
}
