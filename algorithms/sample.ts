import { invariant } from '../core/invariant.ts'
import type { Random } from '../core/random.ts'

/** A standard normal draw (Marsaglia's polar method; one of its two numbers is used, so that `random` holds all state). */
export function sampleNormal(random: Random): number {
  for (;;) {
    const u = 2 * uniform(random) - 1
    const v = 2 * uniform(random) - 1
    const s = u * u + v * v
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s)
  }
}

/** A Gamma(shape, 1) draw, shape > 0 (Marsaglia & Tsang, ACM TOMS 2000). */
export function sampleGamma(random: Random, shape: number): number {
  return Math.exp(sampleLogGamma(random, shape))
}

/** ln of a Gamma(shape, 1) draw: small shapes give numbers that a double can hold only as logarithms. */
export function sampleLogGamma(random: Random, shape: number): number {
  invariant(shape > 0, 'gamma draw: the shape must be above 0')
  // Γ(a) = Γ(a + 1) · U^(1/a).
  if (shape < 1) return sampleLogGamma(random, shape + 1) + Math.log(uniform(random)) / shape
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = sampleNormal(random)
    const root = 1 + c * x
    if (root <= 0) continue
    const v = root * root * root
    if (Math.log(uniform(random)) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d) + Math.log(v)
  }
}

/** A Beta(alpha, beta) draw, both > 0. */
export function sampleBeta(random: Random, alpha: number, beta: number): number {
  const difference = sampleLogGamma(random, beta) - sampleLogGamma(random, alpha)
  return 1 / (1 + Math.exp(difference))
}

/** A draw of Student's t, `degrees` > 0 of freedom: a normal one by the root of a gamma one. */
export function sampleStudent(random: Random, degrees: number): number {
  const normal = sampleNormal(random)
  return normal / Math.sqrt((2 * sampleGamma(random, degrees / 2)) / degrees)
}

/** Uniform in (0, 1) with 53 random bits: never 0, whose logarithm would be infinite. */
function uniform(random: Random): number {
  const high = Math.floor(random.next() * 2 ** 26)
  const low = Math.floor(random.next() * 2 ** 26)
  return (high * 2 ** 26 + low + 0.5) / 2 ** 52
}
