import { MillraceError } from './errors.ts'

/** Throws `MILL_INVARIANT` unless `condition` holds: for our own promises, never for the world's faults. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new MillraceError('MILL_INVARIANT', message)
}
