import { MillraceError } from '../core/errors.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'

/** Tells on standard error what went wrong, as JSON where `--json` was given, and sets the exit code. */
export function reportFailure(error: unknown, args: readonly string[]): void {
  const exitCode = exitCodeOf(error)
  process.exitCode = exitCode
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof MillraceError ? error.code : exitCode === exitCodes.refused ? 'MILL_USAGE' : 'MILL_INVARIANT'
  if (args.includes('--json')) {
    process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`)
    return
  }
  process.stderr.write(`${code}: ${message}\n`)
  if (exitCode === exitCodes.stopped && error instanceof Error) process.stderr.write(`${error.stack}\n`)
}
