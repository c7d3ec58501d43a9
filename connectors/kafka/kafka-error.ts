import { MillraceError } from '../../core/errors.ts'

const backoffFirstMs = 100
const backoffMostMs = 5_000

/** The wait before the attempt after `failures` failed ones: 100 ms, doubling, at most 5 s. */
export function backoffMs(failures: number): number {
  return Math.min(backoffMostMs, backoffFirstMs * 2 ** Math.min(failures, 10))
}

/** kafkajs' error for a position that the log does not hold. */
export function isOffsetOutOfRange(error: unknown): error is Error & { readonly topic: string; readonly partition: number } {
  return error instanceof Error && error.name === 'KafkaJSOffsetOutOfRange'
}

/** The protocol error name ("TOPIC_ALREADY_EXISTS") inside a kafkajs error, however it is wrapped; '' if there is none. */
export function protocolErrorOf(error: unknown): string {
  for (let each = error, depth = 0; each !== null && typeof each === 'object' && depth < 8; depth++) {
    const { type, errors, cause } = each as { type?: unknown; errors?: unknown[]; cause?: unknown }
    if (typeof type === 'string' && type !== 'UNKNOWN') return type
    each = Array.isArray(errors) ? errors[0] : cause
  }
  return ''
}

/** Faults of the world that pass: the same call may work later. kafkajs marks some of them as final for its own restart logic. */
const passingNames = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSStaleTopicMetadataAssignment',
  'KafkaJSLockTimeout',
  'KafkaJSTimeout',
  'KafkaJSNumberOfRetriesExceeded',
])

/** True where the world is unwell and waiting may mend it; false where only a person can. */
export function passes(error: unknown): boolean {
  for (let each = error, depth = 0; each instanceof Error && depth < 8; depth++) {
    if (passingNames.has(each.name) || (each as { retriable?: boolean }).retriable === true) return true
    each = each.cause
  }
  return false
}

/** Wraps what kafkajs threw. Our own errors pass unchanged. */
export function unavailable(doing: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new MillraceError('MILL_LOG_UNAVAILABLE', `Kafka could not ${doing}: ${message}`, { cause: error, details: { doing } })
}
