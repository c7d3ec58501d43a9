import { MillraceError } from '../core/errors.ts'

/** A `coerce` of yargs for whole numbers in a range. Errors: `MILL_USAGE` naming the flag. */
export function wholeNumber(
  flag: string,
  range: { readonly min: number; readonly max: number },
): (value: unknown) => number | undefined {
  return (value) => {
    if (value === undefined) return undefined
    const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value)
    if (!Number.isInteger(number) || number < range.min || number > range.max)
      throw new MillraceError(
        'MILL_USAGE',
        `--${flag} is ${String(value)}; it must be a whole number in ${range.min}–${range.max}`,
      )
    return number
  }
}
