import { expectedPurchases, fitBgNbd } from '../../algorithms/bg-nbd.ts'
import { expectedSpend, fitGammaGamma } from '../../algorithms/gamma-gamma.ts'
import { MillraceError } from '../../core/errors.ts'
import { createRandom } from '../../core/random.ts'
import { PairedBootstrap } from '../paired-bootstrap.ts'
import type { CustomerBase } from './customer-base.ts'

const dayMs = 86_400_000
/** Customers who came again that the models need. */
const repeatersMin = 50

/** How near one way of predicting came to what customers really did. */
export interface ValuePrediction {
  readonly name: string
  /** Mean absolute error per customer. */
  readonly maeTransactions: number
  readonly maeValue: number
  /** Predicted over real, all customers together; 1 is unbiased. */
  readonly totalTransactions: number
  readonly totalValue: number
  /** Share of the real value that the tenth of customers predicted highest brought. */
  readonly topTenthShare: number
}

/** Predictions of the held-back time, judged by it. */
export interface ValueJudgement {
  readonly customers: number
  readonly repeaters: number
  readonly heldBackDays: number
  readonly model: { readonly r: number; readonly alpha: number; readonly a: number; readonly b: number }
  readonly spend: { readonly p: number; readonly q: number; readonly gamma: number }
  readonly predictions: readonly ValuePrediction[]
  /** Model minus the better baseline in mean absolute error of value; below 0 the model is nearer. */
  readonly paired: { readonly against: string; readonly difference: number; readonly interval: readonly [number, number] }
}

/**
 * Predicts, from everything before the last `heldBackDays`, what each customer buys in them: BG/NBD times gamma–gamma, against going on at
 * one's own rate and against everybody buying the mean. Errors: `MILL_REQUEST_INVALID` where too few came again.
 */
export function judgeValue(base: CustomerBase, heldBackDays: number, seed: number): ValueJudgement {
  const endMs = base.lastMs + dayMs
  const nowMs = endMs - heldBackDays * dayMs
  const customers = base.customersAt(nowMs)
  const repeaters = customers.flatMap(({ spend }) => (spend ? [spend] : []))
  if (repeaters.length < repeatersMin)
    throw new MillraceError(
      'MILL_REQUEST_INVALID',
      `${repeaters.length} of ${customers.length} customers came again before the last ${heldBackDays} days; the models need ${repeatersMin}: give a longer log or hold back less`,
    )
  const model = fitBgNbd(customers)
  const spend = fitGammaGamma(repeaters)
  const weeks = heldBackDays / 7
  const real = customers.map(({ userId }) => base.boughtBetween(userId, nowMs, endMs))
  const predictions = {
    'BG/NBD × gamma–gamma': customers.map((customer) => {
      const transactions = expectedPurchases(model, customer, weeks)
      return { transactions, value: transactions * expectedSpend(spend, customer.spend ?? { transactions: 0, mean: 0 }) }
    }),
    'own rate': customers.map(({ frequency, monetary, age }) => {
      const share = weeks / Math.max(1, age)
      return { transactions: frequency * share, value: monetary * share }
    }),
    // What the same number of days before brought per customer then: nothing of the held-back time is known.
    mean: meanOfBefore(base, nowMs, heldBackDays, customers.length),
  }
  const judged = Object.entries(predictions).map(([name, predicted]) => ({ name, ...judge(predicted, real) }))
  const [own, ...baselines] = judged
  const better = baselines.reduce((best, other) => (other.maeValue < best.maeValue ? other : best))
  const errors = [own!, better].map(({ errors }) => errors)
  const counts = new Int32Array(customers.length).fill(1)
  const { difference, interval } = new PairedBootstrap(errors, counts, createRandom(`value ${seed}`)).compare(0, 1)
  return {
    customers: customers.length,
    repeaters: repeaters.length,
    heldBackDays,
    model: { r: model.r, alpha: model.alpha, a: model.a, b: model.b },
    spend: { p: spend.p, q: spend.q, gamma: spend.gamma },
    predictions: judged.map(({ errors: _errors, ...prediction }) => prediction),
    paired: { against: better.name, difference, interval },
  }
}

interface Bought {
  readonly transactions: number
  readonly value: number
}

function meanOfBefore(base: CustomerBase, nowMs: number, days: number, count: number): Bought[] {
  const earlier = base.customersAt(nowMs - days * dayMs)
  let transactions = 0
  let value = 0
  for (const { userId } of earlier) {
    const bought = base.boughtBetween(userId, nowMs - days * dayMs, nowMs)
    transactions += bought.transactions / earlier.length
    value += bought.value / earlier.length
  }
  return new Array<Bought>(count).fill({ transactions, value })
}

function judge(
  predicted: readonly Bought[],
  real: readonly Bought[],
): Omit<ValuePrediction, 'name'> & { readonly errors: Float64Array } {
  const errors = Float64Array.from(predicted, ({ value }, n) => Math.abs(value - real[n]!.value))
  const total = (of: readonly Bought[], what: keyof Bought) => of.reduce((sum, one) => sum + one[what], 0)
  const mean = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value, 0) / predicted.length
  const order = predicted.map((_, n) => n).sort((a, b) => predicted[b]!.value - predicted[a]!.value || a - b)
  const top = order.slice(0, Math.ceil(order.length / 10)).reduce((sum, n) => sum + real[n]!.value, 0)
  return {
    maeTransactions: mean(predicted.map(({ transactions }, n) => Math.abs(transactions - real[n]!.transactions))),
    maeValue: mean(errors),
    totalTransactions: total(predicted, 'transactions') / total(real, 'transactions'),
    totalValue: total(predicted, 'value') / total(real, 'value'),
    topTenthShare: top / total(real, 'value'),
    errors,
  }
}
