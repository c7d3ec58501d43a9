import { MillraceError } from '../core/errors.ts'
import { GuardError } from './guard-error.ts'

/** What the exit code of `millrace` says. */
export const exitCodes = {
  ok: 0,
  /** It ran, and the answer is no. */
  no: 1,
  /** Wrong usage or configuration. */
  refused: 2,
  /** A service or the engine does not answer. */
  unreachable: 3,
  /** A guard protects something; the message says how to insist. */
  guarded: 4,
  /** A promise of our own is broken. */
  stopped: 70,
} as const

/** The exit code of any thrown value: the one place that decides it. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof GuardError) return exitCodes.guarded
  if (error instanceof MillraceError) {
    if (error.code === 'MILL_NOT_FOUND') return exitCodes.no
    const { retry, degrade, refuse, stop } = byReaction
    return { retry, degrade, refuse, stop, 'dead-letter': exitCodes.refused }[error.reaction]
  }
  // yargs' own error: a wrong or missing argument.
  return (error as { name?: unknown } | null)?.name === 'YError' ? exitCodes.refused : exitCodes.stopped
}

const byReaction = {
  retry: exitCodes.unreachable,
  degrade: exitCodes.unreachable,
  refuse: exitCodes.refused,
  stop: exitCodes.stopped,
} as const
