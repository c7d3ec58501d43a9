import { logGamma } from './log-gamma.ts'
import { nelderMead } from './nelder-mead.ts'

/** What the model reads of a customer who came again. */
export interface SpendHistory {
  /** x ≥ 1: transactions that `mean` is over. */
  readonly transactions: number
  /** Mean value of a transaction, > 0. */
  readonly mean: number
}

/** Shape of a customer's transactions (p), and of the customers' scales (q, γ); all > 0, q > 1 for a mean. */
export interface GammaGamma {
  readonly p: number
  readonly q: number
  readonly gamma: number
}

/**
 * Fits the gamma–gamma model of spend per transaction (Fader, Hardie, Lee, JMR 2005; Fader & Hardie 2013): values around a customer's own
 * mean, means spread over customers, independent of how often they come.
 */
export function fitGammaGamma(
  customers: readonly SpendHistory[],
): GammaGamma & { readonly logLikelihood: number; readonly converged: boolean } {
  const loss = (logs: Float64Array): number => {
    const [p, q, gamma] = Array.from(logs, Math.exp) as [number, number, number]
    let sum = 0
    for (const { transactions: x, mean: m } of customers) {
      sum += logGamma(p * x + q) - logGamma(p * x) - logGamma(q) + q * Math.log(gamma)
      sum += (p * x - 1) * Math.log(m) + p * x * Math.log(x) - (p * x + q) * Math.log(gamma + m * x)
    }
    return -sum / customers.length
  }
  const typical = customers.reduce((sum, { mean }) => sum + mean, 0) / Math.max(1, customers.length)
  const { point, value, converged } = nelderMead(loss, Float64Array.of(1, 1, Math.log(Math.max(1e-6, typical))))
  const [p, q, gamma] = Array.from(point, Math.exp) as [number, number, number]
  return { p, q, gamma, logLikelihood: -value * customers.length, converged }
}

/** Mean value expected of a customer's transactions: between the population's mean and the customer's own, the more of them the nearer. */
export function expectedSpend({ p, q, gamma }: GammaGamma, { transactions: x, mean }: SpendHistory): number {
  return (p * (gamma + x * mean)) / (p * x + q - 1)
}
