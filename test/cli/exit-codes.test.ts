import { expect, it } from 'vitest'
import { exitCodeOf } from '../../cli/exit-codes.ts'
import { GuardError } from '../../cli/guard-error.ts'
import { type ErrorCode, errorCodes, MillraceError } from '../../core/errors.ts'

it.each([
  ['MILL_LOG_UNAVAILABLE', 3],
  ['MILL_INFERENCE_UNAVAILABLE', 3],
  ['MILL_USAGE', 2],
  ['MILL_CONFIG_INVALID', 2],
  ['MILL_NOT_FOUND', 1],
  ['MILL_FENCED', 70],
  ['MILL_INVARIANT', 70],
] as [ErrorCode, number][])('%s ends with %i', (code, exitCode) => {
  expect(exitCodeOf(new MillraceError(code, ''))).toBe(exitCode)
})

it('a guard ends with 4, whatever is no error of ours with 70, and no error with 0', () => {
  expect(exitCodeOf(new GuardError('no'))).toBe(4)
  expect(exitCodeOf(new TypeError('oops'))).toBe(70)
  expect(exitCodeOf('text')).toBe(70)
  for (const code of Object.keys(errorCodes) as ErrorCode[]) expect(exitCodeOf(new MillraceError(code, ''))).toBeGreaterThan(0)
})
