import { logGamma } from './log-gamma.ts'
import { nelderMead } from './nelder-mead.ts'

/** What the model reads of a customer, in one unit of time (weeks, say). */
export interface PurchaseHistory {
  /** x: repeat purchases, the first one not counted. */
  readonly repeats: number
  /** t_x: from the first purchase to the last; 0 without a repeat. */
  readonly recency: number
  /** T: from the first purchase to now. */
  readonly age: number
}

/** Heterogeneity of purchase rates (r, α) and of the chance to leave after a purchase (a, b); all > 0. */
export interface BgNbd {
  readonly r: number
  readonly alpha: number
  readonly a: number
  readonly b: number
}

/**
 * Fits BG/NBD (Fader, Hardie, Lee, Marketing Science 2005) by maximum likelihood over customers: they buy at rates of a gamma
 * distribution and leave for good after any purchase with a chance of a beta distribution. Needs some hundred customers.
 */
export function fitBgNbd(
  customers: readonly PurchaseHistory[],
): BgNbd & { readonly logLikelihood: number; readonly converged: boolean } {
  // Logarithms keep the four above 0; few distinct histories make most of a shop.
  const distinct = counted(customers)
  const loss = (logs: Float64Array): number => {
    const model = modelOf(logs)
    let sum = 0
    for (const [history, count] of distinct) sum += count * logLikelihoodOf(model, history)
    return -sum / customers.length
  }
  const { point, value, converged } = nelderMead(loss, new Float64Array(4))
  return { ...modelOf(point), logLikelihood: -value * customers.length, converged }
}

/** ln L of one customer under a model (equation 6 of the paper). */
export function logLikelihoodOf({ r, alpha, a, b }: BgNbd, { repeats: x, recency, age }: PurchaseHistory): number {
  const common = logGamma(r + x) - logGamma(r) + r * Math.log(alpha) + logBetaRatio(a, b + x, a, b)
  const stayed = -(r + x) * Math.log(alpha + age)
  if (x === 0) return common + stayed
  const left = Math.log(a / (b + x - 1)) - (r + x) * Math.log(alpha + recency)
  const most = Math.max(stayed, left)
  return common + most + Math.log(Math.exp(stayed - most) + Math.exp(left - most))
}

/** Chance that a customer has not left; 1 for who never came again, as the model has it. */
export function aliveProbability({ r, alpha, a, b }: BgNbd, { repeats: x, recency, age }: PurchaseHistory): number {
  if (x === 0) return 1
  return 1 / (1 + (a / (b + x - 1)) * ((alpha + age) / (alpha + recency)) ** (r + x))
}

/** Purchases expected of a customer within the next `time` (equation 10). */
export function expectedPurchases(model: BgNbd, history: PurchaseHistory, time: number): number {
  const { r, alpha, a, b } = model
  const { repeats: x, age } = history
  const z = time / (alpha + age + time)
  const series = hypergeometric(r + x, b + x, a + b + x - 1, z)
  const still = ((alpha + age) / (alpha + age + time)) ** (r + x)
  return ((a + b + x - 1) / (a - 1)) * (1 - still * series) * aliveProbability(model, history)
}

function modelOf(logs: Float64Array): BgNbd {
  const [r, alpha, a, b] = Array.from(logs, Math.exp) as [number, number, number, number]
  return { r, alpha, a, b }
}

function counted(customers: readonly PurchaseHistory[]): (readonly [PurchaseHistory, number])[] {
  const known = new Map<string, [PurchaseHistory, number]>()
  for (const customer of customers) {
    const key = `${customer.repeats} ${customer.recency} ${customer.age}`
    const entry = known.get(key)
    if (entry) entry[1]++
    else known.set(key, [customer, 1])
  }
  return [...known.values()]
}

/** ln B(a, b) − ln B(c, d). */
function logBetaRatio(a: number, b: number, c: number, d: number): number {
  const logBeta = (p: number, q: number) => logGamma(p) + logGamma(q) - logGamma(p + q)
  return logBeta(a, b) - logBeta(c, d)
}

/** Gauss's ₂F₁(a, b; c; z) for 0 ≤ z < 1 by its series. */
function hypergeometric(a: number, b: number, c: number, z: number): number {
  let term = 1
  let sum = 1
  for (let n = 0; n < 100_000 && Math.abs(term) > 1e-15 * Math.abs(sum); n++) {
    term *= (((a + n) * (b + n)) / ((c + n) * (n + 1))) * z
    sum += term
  }
  return sum
}
