import { Type } from '@sinclair/typebox'

/** Every refusal: `{"error": {code, message, field?, index?}}`; codes are those of docs/errors.md. */
export const errorSchema = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'A stable code to match on, e.g. MILL_REQUEST_INVALID.' }),
      message: Type.String({ description: 'What is wrong and how to mend it.' }),
      field: Type.Optional(Type.String({ description: 'The wrong field.' })),
      index: Type.Optional(Type.Integer({ description: 'Which of several events, from 0.' })),
    }),
  },
  { description: 'Refused' },
)
