/** How several outcomes of one shown item become one reward; each gets them in the order they happened, at least one. */
const functions = {
  max: (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  min: (values: readonly number[]) => values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
  sum: (values: readonly number[]) => sumOf(values),
  mean: (values: readonly number[]) => sumOf(values) / values.length,
  earliest: (values: readonly number[]) => values[0]!,
  latest: (values: readonly number[]) => values.at(-1)!,
}

export type OutcomeFunction = keyof typeof functions

/** Names that `combineOutcomes` knows. */
export const outcomeFunctions = Object.keys(functions) as readonly OutcomeFunction[]

/** One reward of outcomes in the order of time; `none` (0) of none, also where outcomes may be below it. */
export function combineOutcomes(by: OutcomeFunction, values: readonly number[], none = 0): number {
  return values.length === 0 ? none : functions[by](values)
}

/** In thousandths: graded rewards add up to what they look like, .3 + .6 to .9. */
function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + Math.round(1_000 * value), 0) / 1_000
}
