import { describe, expect, it } from 'vitest'
import { sampleBeta, sampleGamma } from '../../../algorithms/sample.ts'
import { createRandom } from '../../../core/random.ts'
import { CustomerBase } from '../../../evaluation/value/customer-base.ts'
import { cohortsOf, segmentOf } from '../../../evaluation/value/customer-segments.ts'
import { judgeValue } from '../../../evaluation/value/judge-value.ts'
import type { UserEvent } from '../../../schemas/user-event.ts'

const dayMs = 86_400_000
const startMs = Date.UTC(2026, 0, 1)
const purchase = (userId: string, day: number, price: number, quantity: number | null = null) =>
  ({ type: 'purchase', userId, timeMs: startMs + day * dayMs + 3_600_000, price, quantity }) as UserEvent

function baseOf(...events: readonly UserEvent[]): CustomerBase {
  const base = new CustomerBase()
  for (const event of events) base.add(event)
  return base
}

describe('CustomerBase', () => {
  it('makes one transaction of a day, and tells histories as of a moment', () => {
    const base = baseOf(
      purchase('a', 0, 10, 2),
      purchase('a', 0, 5),
      purchase('a', 14, 8),
      purchase('a', 21, 4),
      { ...purchase('a', 3, 99), type: 'click' },
      purchase('b', 20, 1),
    )
    expect(base.customersAt(startMs + 21 * dayMs)).toEqual([
      {
        userId: 'a',
        firstMs: startMs,
        lastMs: startMs + 14 * dayMs,
        repeats: 1,
        recency: 2,
        age: 3,
        frequency: 2,
        monetary: 33,
        spend: { transactions: 1, mean: 8 },
      },
      expect.objectContaining({ userId: 'b', repeats: 0, recency: 0, spend: null }),
    ])
    expect(base.boughtBetween('a', startMs + 14 * dayMs, startMs + 22 * dayMs)).toEqual({ transactions: 2, value: 12 })
  })

  it('has segments and cohorts', () => {
    const base = baseOf(purchase('old', 0, 1), purchase('back', 0, 1), purchase('back', 40, 2), purchase('new', 130, 5))
    const nowMs = startMs + 140 * dayMs
    const segments = base.customersAt(nowMs).map((customer) => [customer.userId, segmentOf(customer, nowMs)])
    expect(segments).toEqual([
      ['old', 'lost'],
      ['back', 'lost'],
      ['new', 'new'],
    ])
    const loyal = baseOf(purchase('l', 0, 1), purchase('l', 50, 1), purchase('l', 90, 1), purchase('x', 60, 1)).customersAt(nowMs)
    expect(loyal.map((customer) => segmentOf(customer, nowMs))).toEqual(['loyal', 'lapsing'])
    expect(cohortsOf(base)).toEqual([
      { month: '2026-01', customers: 2, retention: [0.5, 0, 0, 0], valuePerCustomer: 2 },
      { month: '2026-05', customers: 1, retention: [], valuePerCustomer: 5 },
    ])
  })
})

describe('judgeValue', () => {
  it('comes nearer than the baselines on customers who buy and leave as the model has it', () => {
    const random = createRandom('shop')
    const events: UserEvent[] = []
    for (let n = 0; n < 1_500; n++) {
      const rate = sampleGamma(random, 0.6) / 30
      const leaving = sampleBeta(random, 1, 3)
      const level = 20 / sampleGamma(random, 4)
      for (let day = random.below(120); day < 300; day += Math.max(1, -Math.log(1 - random.next()) / rate)) {
        events.push(purchase(`c${n}`, Math.floor(day), Math.max(0.01, level * sampleGamma(random, 5))))
        if (random.next() < leaving) break
      }
    }
    const { predictions, paired, repeaters } = judgeValue(baseOf(...events), 90, 1)
    const [model, ...baselines] = predictions
    expect(repeaters).toBeGreaterThan(300)
    expect(model!.totalTransactions).toBeGreaterThan(0.8)
    expect(model!.totalTransactions).toBeLessThan(1.25)
    for (const other of baselines) expect(model!.maeTransactions).toBeLessThan(other.maeTransactions)
    expect(paired.interval[1]).toBeLessThan(0)
  })

  it('refuses a log in which too few came again', () => {
    expect(() => judgeValue(baseOf(purchase('a', 0, 1), purchase('b', 100, 1)), 30, 1)).toThrow(/0 of 1 customers came again/)
  })
})
