import { type TString, Type } from '@sinclair/typebox'

/** The id of a person, item or event: 1–128 characters. */
export function idSchema(description: string): TString {
  return Type.String({ minLength: 1, maxLength: 128, description })
}
