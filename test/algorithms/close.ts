import { expect } from 'vitest'

/** Fails unless the two agree to `relative` of the expected one (absolute where that is 0). */
export function expectRelative(actual: number, expected: number, relative: number): void {
  const allowed = relative * (Math.abs(expected) || 1)
  expect(Math.abs(actual - expected), `${actual} against ${expected}`).toBeLessThanOrEqual(allowed)
}
