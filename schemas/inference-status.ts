import { type ErrorCode, MillraceError } from '../core/errors.ts'

/** The gRPC statuses an inference worker answers with, their number on the wire, and the error each becomes for a caller. */
export const inferenceStatuses = {
  CANCELLED: [1, 'MILL_INFERENCE_UNAVAILABLE'],
  UNKNOWN: [2, 'MILL_INFERENCE_INVALID'],
  INVALID_ARGUMENT: [3, 'MILL_INFERENCE_INVALID'],
  DEADLINE_EXCEEDED: [4, 'MILL_INFERENCE_TIMEOUT'],
  NOT_FOUND: [5, 'MILL_INFERENCE_INVALID'],
  RESOURCE_EXHAUSTED: [8, 'MILL_INFERENCE_OVERLOADED'],
  UNIMPLEMENTED: [12, 'MILL_INFERENCE_INVALID'],
  INTERNAL: [13, 'MILL_INFERENCE_INVALID'],
  UNAVAILABLE: [14, 'MILL_INFERENCE_UNAVAILABLE'],
} as const satisfies Record<string, readonly [number, ErrorCode]>

export type InferenceStatus = keyof typeof inferenceStatuses

/** The error of a status, which stays readable in `details.status`. */
export function inferenceError(status: InferenceStatus, message: string, cause?: unknown): MillraceError {
  return new MillraceError(inferenceStatuses[status][1], message, { cause, details: { status } })
}

/** The status of any thrown value: what it was made with, INVALID_ARGUMENT for a refused request, else INTERNAL. */
export function inferenceStatusOf(error: unknown): InferenceStatus {
  if (!(error instanceof MillraceError)) return 'INTERNAL'
  const status = error.details['status']
  if (typeof status === 'string' && Object.hasOwn(inferenceStatuses, status)) return status as InferenceStatus
  if (error.code === 'MILL_INFERENCE_INVALID') return 'INVALID_ARGUMENT'
  return error.code === 'MILL_MODEL_INVALID' ? 'INVALID_ARGUMENT' : 'INTERNAL'
}

/** The status of a number on the wire; UNKNOWN for one that workers do not send. */
export function inferenceStatusFrom(code: number): InferenceStatus {
  for (const [name, [number]] of Object.entries(inferenceStatuses)) if (number === code) return name as InferenceStatus
  return 'UNKNOWN'
}
