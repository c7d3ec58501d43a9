/** A date, or a time with its zone: a time without one would mean another moment on another machine. */
const isoTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?$/

/** What to write for a time. */
export const timeWords = 'write a date or a time with its zone, e.g. "2026-12-01" or "2026-12-01T08:00:00Z"'

/** A time of a file as ms: a date, a time with its zone, or ms; null for anything else. */
export function readTime(value: unknown): number | null {
  const timeMs = typeof value === 'string' && isoTime.test(value) ? Date.parse(value) : value
  return typeof timeMs === 'number' && Number.isSafeInteger(timeMs) ? timeMs : null
}
