/** What a caller does about an error: see docs/errors.md. */
export type Reaction = 'retry' | 'degrade' | 'dead-letter' | 'refuse' | 'stop'

/** Every error code of Millrace, with its reaction and meaning; `test/docs.test.ts` holds this equal to docs/errors.md. */
export const errorCodes = {
  MILL_LOG_UNAVAILABLE: ['retry', 'The event log cannot be reached or did not take the records.'],
  MILL_STORE_UNAVAILABLE: ['retry', 'The state or list store cannot be reached.'],
  MILL_REGISTRY_UNAVAILABLE: ['retry', 'The schema registry cannot be reached.'],
  MILL_BUFFER_FULL: ['retry', 'A bounded buffer is at its maximum; send less or later.'],
  MILL_INFERENCE_UNAVAILABLE: ['degrade', 'No inference worker answers; a lower rung makes the list.'],
  MILL_INFERENCE_TIMEOUT: ['degrade', 'The inference worker did not answer within the deadline.'],
  MILL_INFERENCE_OVERLOADED: ['degrade', 'The inference queue is full.'],
  MILL_INFERENCE_INVALID: ['degrade', 'The inference worker refused the request or answered something unusable.'],
  MILL_SCHEMA_MISMATCH: ['dead-letter', 'The bytes do not decode with the schema they name.'],
  MILL_SCHEMA_UNKNOWN: ['dead-letter', 'The record names a schema id that the registry does not know.'],
  MILL_RECORD_INVALID: ['dead-letter', 'The record decodes but breaks a validation rule.'],
  MILL_FEATURE_NOT_FINITE: ['dead-letter', 'A feature value is not a finite number.'],
  MILL_STEP_FAILED: ['dead-letter', 'A step could not process this one record.'],
  MILL_CONFIG_INVALID: ['refuse', 'The configuration has a wrong or unknown field.'],
  MILL_USAGE: ['refuse', 'The command line has a wrong or missing argument.'],
  MILL_STEP_NAME_TAKEN: ['refuse', 'Two steps of one topology have the same name.'],
  MILL_TOPOLOGY_INVALID: ['refuse', 'A topology has an unreachable step, an unknown topic or no sink.'],
  MILL_SCHEMA_INCOMPATIBLE: ['refuse', 'A schema is not BACKWARD compatible with the registered one.'],
  MILL_PARTITIONS_CHANGED: [
    'refuse',
    'Topics that share a key have partition counts that differ from each other or the stored one.',
  ],
  MILL_POSITION_LOST: ['refuse', 'The log no longer holds the stored position.'],
  MILL_MODEL_INVALID: ['refuse', 'A model, its config.pbtxt or its golden batch is wrong.'],
  MILL_REQUEST_INVALID: ['refuse', 'A request has a wrong field.'],
  MILL_RULE_INVALID: ['refuse', 'A merchandising rule has a wrong field or contradicts itself.'],
  MILL_EXPERIMENT_INVALID: ['refuse', 'An experiment has a wrong field, or takes people of another one.'],
  MILL_NOT_FOUND: ['refuse', 'The named thing does not exist.'],
  MILL_IMPORT_INVALID: ['refuse', 'The import file or its column mapping is wrong.'],
  MILL_SERVICE_START: ['refuse', 'A service (Kafka, registry, Redis) could not be started here.'],
  MILL_FENCED: ['stop', 'A newer owner of the task exists; this one must stop.'],
  MILL_OFFSET_WENT_BACK: ['stop', 'The log delivered an offset below the position.'],
  MILL_INVARIANT: ['stop', 'A promise of our own code is broken.'],
} as const satisfies Record<string, readonly [Reaction, string]>

export type ErrorCode = keyof typeof errorCodes

/** The one error type of Millrace: match on `code` or `reaction`, never on text. */
export class MillraceError extends Error {
  readonly code: ErrorCode
  readonly reaction: Reaction
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MillraceError'
    this.code = code
    this.reaction = errorCodes[code][0]
    this.details = options.details ?? {}
  }
}

/** The reaction to any thrown value; what is not a MillraceError is a broken promise of ours. */
export function reactionOf(error: unknown): Reaction {
  return error instanceof MillraceError ? error.reaction : 'stop'
}
