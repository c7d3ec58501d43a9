/** ln(1 + count) / scale, at most 1; a count below 0 is 0. */
export function logCount(count: number, scale: number): number {
  return Math.min(1, Math.log1p(Math.max(0, count)) / scale)
}
