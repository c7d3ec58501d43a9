import type { CupedSums } from './cuped.ts'

/**
 * What people of one bucket of an amount sum up to: enough to take them out again and put all of them at a cap instead. Whole numbers that
 * merge by addition.
 */
export interface TailSums {
  /** `bucketOf` the amount. */
  readonly bucket: number
  people: number
  /** Σ y, Σ y², Σ x and Σ x·y: y the amount, x what was known before. */
  y: number
  ySquared: number
  x: number
  product: number
}

/** Buckets of a doubling: each is at most 1/8 wide, so a cap is at most 12.5 % above the quantile it stands for. */
const perDoubling = 8

/**
 * The bucket of an amount, from −1 for nothing or less: doublings cut in eight, by whole numbers alone, so that every machine agrees. Amounts
 * below 16 have a bucket each.
 */
export function bucketOf(amount: number): number {
  if (amount < 1) return -1
  if (amount < perDoubling) return amount
  let doublings = 0
  let rest = amount
  while (rest >= 2 * perDoubling) {
    rest = Math.floor(rest / 2)
    doublings++
  }
  return doublings * perDoubling + rest
}

/** The largest whole amount of a bucket. */
export function bucketTop(bucket: number): number {
  if (bucket < 2 * perDoubling) return Math.max(0, bucket)
  const doublings = Math.floor(bucket / perDoubling) - 1
  return (bucket - doublings * perDoubling + 1) * 2 ** doublings - 1
}

/** A person's amount moved, in place; buckets ascend, and those that nobody is in are gone. `before` null = a person not seen yet. */
export function moveTail(tails: TailSums[], before: number | null, after: number, past: number): void {
  if (before !== null) addToTail(tails, before, past, -1)
  addToTail(tails, after, past, 1)
}

/**
 * The cap that a share of all people keeps within, those without an amount included: the top of the bucket in which the amount of that rank
 * lies. Infinity where that is nothing, as a cap of 0 would leave nothing to compare.
 */
export function capOf(arms: readonly (readonly TailSums[])[], people: number, share: number): number {
  const counts = new Map<number, number>()
  for (const { bucket, people: own } of arms.flat()) counts.set(bucket, (counts.get(bucket) ?? 0) + own)
  let above = people - Math.ceil(share * people)
  for (const [bucket, own] of [...counts].sort(([a], [b]) => b - a)) {
    if (above < own) return bucketTop(bucket)
    above -= own
  }
  return Number.POSITIVE_INFINITY
}

/** Sums in which everybody above a cap of `capOf` counts as the cap (winsorised), in the unit of the amounts. */
export function capSums(sums: CupedSums, tails: readonly TailSums[], cap: number): CupedSums {
  const capped = { ...sums }
  for (const { bucket, people, y, ySquared, x, product } of tails) {
    if (bucketTop(bucket) <= cap) continue
    capped.y += cap * people - y
    capped.ySquared += cap * cap * people - ySquared
    capped.product += cap * x - product
  }
  return capped
}

function addToTail(tails: TailSums[], amount: number, past: number, sign: 1 | -1): void {
  const bucket = bucketOf(amount)
  if (bucket < 0) return
  let at = tails.findIndex((tail) => tail.bucket >= bucket)
  if (at < 0) at = tails.length
  if (tails[at]?.bucket !== bucket) tails.splice(at, 0, { bucket, people: 0, y: 0, ySquared: 0, x: 0, product: 0 })
  const tail = tails[at]!
  tail.people += sign
  tail.y += sign * amount
  tail.ySquared += sign * amount * amount
  tail.x += sign * past
  tail.product += sign * past * amount
  if (tail.people === 0) tails.splice(at, 1)
}
