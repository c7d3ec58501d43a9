import { expect, it } from 'vitest'
import { PurchaseShares, purchaseHalfLifeMs } from '../../algorithms/purchase-shares.ts'

it('compares purchases of different moments: 8 of a half-life ago are worth 4 now', () => {
  const shares = new PurchaseShares()
  expect(shares.of(0)).toBe(0)
  shares.set(0, 8, 1_000)
  expect(shares.of(0)).toBe(1)
  shares.set(1, 12, 1_000 + purchaseHalfLifeMs)
  expect([shares.of(0), shares.of(1), shares.of(5_000)]).toEqual([0.25, 0.75, 0])
  shares.set(1, 4, 1_000 + purchaseHalfLifeMs)
  shares.set(4_000, 0, 5)
  expect(shares.of(0)).toBeCloseTo(0.5, 12)
})
