import { expect, it } from 'vitest'
import { addToCuped, emptyCupedSums } from '../../algorithms/cuped.ts'
import { bucketOf, bucketTop, capOf, capSums, moveTail, type TailSums } from '../../algorithms/tail-sums.ts'
import { createRandom } from '../../core/random.ts'

it('cuts doublings in eight, whole numbers only: no bucket is wider than an eighth, and none is left out', () => {
  expect([0, -3, 1, 7, 8, 15, 16, 17, 18, 31, 32, 35, 36].map(bucketOf)).toEqual([
    -1, -1, 1, 7, 8, 15, 16, 16, 17, 23, 24, 24, 25,
  ])
  for (let amount = 1; amount < 5_000; amount++) {
    const bucket = bucketOf(amount)
    expect(bucket - bucketOf(amount - 1)).toBeLessThanOrEqual(amount === 1 ? 2 : 1)
    expect(bucketOf(bucketTop(bucket))).toBe(bucket)
    expect(bucketOf(bucketTop(bucket) + 1)).toBe(bucket + 1)
    expect(bucketTop(bucket) / amount).toBeLessThan(1.125)
  }
  expect(bucketOf(2 ** 52 + 1)).toBe(bucketOf(2 ** 52))
})

it('gives the sums of people whose amount is capped where a share of all is reached, however they got there', () => {
  const random = createRandom('tails')
  const people = Array.from({ length: 4_000 }, () => {
    const amount = random.next() < 0.7 ? 0 : Math.round(100 * Math.exp(8 * random.next() ** 3))
    return { amount, past: random.below(4) }
  })
  const tails: TailSums[] = []
  const sums = emptyCupedSums()
  for (const { amount, past } of people) {
    // Each comes to their amount over others, some of them larger, as a purchase may be taken back.
    const way = [random.below(50_000), random.below(amount + 1), amount]
    for (const [at, now] of way.entries()) moveTail(tails, at === 0 ? null : way[at - 1]!, now, past)
    addToCuped(sums, amount, past)
  }
  expect(tails.reduce((all, tail) => all + tail.people, 0)).toBe(people.filter(({ amount }) => amount > 0).length)
  expect(tails.map(({ bucket }) => bucket)).toEqual(tails.map(({ bucket }) => bucket).sort((a, b) => a - b))
  for (const share of [0.9, 0.99, 0.999, 1]) {
    const sorted = people.map(({ amount }) => amount).sort((a, b) => a - b)
    const quantile = sorted[Math.ceil(share * sorted.length) - 1]!
    const cap = capOf([tails], people.length, share)
    expect(cap / quantile).toBeGreaterThanOrEqual(1)
    expect(cap / quantile).toBeLessThan(1.125)
    const plain = emptyCupedSums()
    for (const { amount, past } of people) addToCuped(plain, Math.min(amount, cap), past)
    expect(capSums(sums, tails, cap)).toEqual(plain)
  }
  // 1,200 of 4,000 have an amount: half of all have nothing, and a cap of nothing is none.
  expect(capOf([tails], people.length, 0.5)).toBe(Number.POSITIVE_INFINITY)
  expect(capSums(sums, tails, Number.POSITIVE_INFINITY)).toEqual(sums)
})
