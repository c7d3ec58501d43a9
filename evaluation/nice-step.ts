/** The distance of an axis's marks: 1, 2 or 5 times a power of ten, at least `least` > 0. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= least) ?? 10 * power
}
