import { describe, expect, it } from 'vitest'
import {
  cascadeDoublyRobust,
  independentIps,
  rewardInteractionIps,
  type SlateLog,
  slateIps,
} from '../../algorithms/slate-off-policy.ts'

const items = [0, 1, 2]
/** Chances of the first slot; the second slot renormalises what is left (Plackett–Luce). */
const logging = [0.5, 0.3, 0.2]
const judged = [0.1, 0.3, 0.6]
const rates = [0.2, 0.5, 0.9]

const after = (chances: readonly number[], first: number, second: number): number => chances[second]! / (1 - chances[first]!)
const marginal = (chances: readonly number[], second: number): number =>
  items.filter((first) => first !== second).reduce((sum, first) => sum + chances[first]! * after(chances, first, second), 0)

/** Every slate of two slots with the rewards it really has, and how often it is logged: expectations become exact sums. */
function everySlate(rewardsOf: (first: number, second: number) => readonly [number, number]) {
  return items.flatMap((first) =>
    items
      .filter((second) => second !== first)
      .map((second) => ({
        first,
        second,
        chance: logging[first]! * after(logging, first, second),
        truth: judged[first]! * after(judged, first, second),
        rewards: rewardsOf(first, second),
      })),
  )
}

type Estimator = (log: SlateLog) => { readonly value: number }

/** The estimator's mean over the logging policy's slates, and the judged policy's true value. */
function inExpectation(estimate: Estimator, rewardsOf: (first: number, second: number) => readonly [number, number]) {
  let expected = 0
  let truth = 0
  for (const { first, second, chance, truth: real, rewards } of everySlate(rewardsOf)) {
    // Any model is fine for unbiasedness: this one is made up.
    const model = (slot: number, item: number) => 0.1 + 0.2 * item + 0.05 * slot
    const rest = items.filter((item) => item !== first)
    const log: SlateLog = {
      slots: 2,
      conditional: Float64Array.of(
        judged[first]! / logging[first]!,
        after(judged, first, second) / after(logging, first, second),
      ),
      marginal: Float64Array.of(judged[first]! / logging[first]!, marginal(judged, second) / marginal(logging, second)),
      rewards: Float64Array.from(rewards),
      predicted: Float64Array.of(model(0, first), model(1, second)),
      expected: Float64Array.of(
        items.reduce((sum, item) => sum + judged[item]! * model(0, item), 0),
        rest.reduce((sum, item) => sum + after(judged, first, item) * model(1, item), 0),
      ),
    }
    expected += chance * estimate(log).value
    truth += real * (rewards[0] + rewards[1])
  }
  return { expected, truth }
}

const independent = (first: number, second: number) => [rates[first]!, 0.6 * rates[second]!] as const
/** The second slot is looked at only if the first one was not clicked. */
const cascade = (first: number, second: number) => [rates[first]!, (1 - rates[first]!) * rates[second]!] as const
/** The second slot takes from the first. */
const mutual = (first: number, second: number) => [rates[first]! * (1 - 0.5 * rates[second]!), rates[second]!] as const

describe('slate estimators, in exact expectation over all slates', () => {
  const cases: [string, Estimator, typeof independent, boolean][] = [
    ['slate IPS', slateIps, mutual, true],
    ['independent IPS', independentIps, independent, true],
    ['independent IPS', independentIps, cascade, false],
    ['reward-interaction IPS', rewardInteractionIps, cascade, true],
    ['reward-interaction IPS', rewardInteractionIps, independent, true],
    ['reward-interaction IPS', rewardInteractionIps, mutual, false],
    ['cascade doubly robust', cascadeDoublyRobust, cascade, true],
    ['cascade doubly robust', cascadeDoublyRobust, mutual, false],
  ]
  it.each(cases)('%s is unbiased where its assumption holds, and only there (%#)', (_name, estimate, world, holds) => {
    const { expected, truth } = inExpectation(estimate, world)
    if (holds) expect(expected).toBeCloseTo(truth, 12)
    else expect(Math.abs(expected - truth)).toBeGreaterThan(0.005)
  })

  it('ask for what they need', () => {
    const log = { slots: 1, conditional: Float64Array.of(1), rewards: Float64Array.of(1) }
    expect(() => independentIps(log)).toThrow('marginal')
    expect(() => cascadeDoublyRobust(log)).toThrow('predicted')
  })
})
