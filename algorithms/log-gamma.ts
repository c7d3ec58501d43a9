/** Coefficients of Lanczos' series for g = 7, nine terms (Godfrey): relative error about 1e-15 for x > 0. */
const lanczos: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]
const halfLogTwoPi = 0.5 * Math.log(2 * Math.PI)

/** ln Γ(x) for x > 0 (Lanczos 1964); +Infinity at 0, NaN below. */
export function logGamma(x: number): number {
  if (x < 0.5) return x >= 0 ? Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x) : Number.NaN
  if (x >= 20) return stirling(x)
  const shifted = x - 1
  let sum = lanczos[0]!
  for (let n = 1; n < 9; n++) sum += lanczos[n]! / (shifted + n)
  const base = shifted + 7.5
  return halfLogTwoPi + (shifted + 0.5) * Math.log(base) - base + Math.log(sum)
}

/** ln B(a, b) for a, b > 0, without the cancellation that three plain logGamma calls suffer when one of them is large. */
export function logBeta(a: number, b: number): number {
  const small = Math.min(a, b)
  const large = Math.max(a, b)
  if (large < 20) return logGamma(small) + logGamma(large) - logGamma(small + large)
  // ln Γ(large) − ln Γ(large + small), the big terms taken together.
  const ratio = -small * Math.log(large + small) - (large - 0.5) * Math.log1p(small / large) + small
  return logGamma(small) + ratio + stirlingRest(large) - stirlingRest(large + small)
}

function stirling(x: number): number {
  return (x - 0.5) * Math.log(x) - x + halfLogTwoPi + stirlingRest(x)
}

/** Σ B_2n / (2n (2n − 1) x^(2n−1)): for x ≥ 20 five terms are exact to the last bit. */
function stirlingRest(x: number): number {
  const square = 1 / (x * x)
  return (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / x
}
