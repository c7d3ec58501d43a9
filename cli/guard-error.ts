import { MillraceError } from '../core/errors.ts'

/** A dangerous act was refused to protect something; the message says what, and how to insist. Exit code 4. */
export class GuardError extends MillraceError {
  constructor(message: string) {
    super('MILL_USAGE', message)
  }
}
