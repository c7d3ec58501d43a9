import { expect, it } from 'vitest'
import { Complements } from '../../algorithms/complements.ts'

it('lift by hand: phone and case in 6 of 10 baskets, each in 6', () => {
  const complements = new Complements({ shrinkage: 5 })
  for (let n = 0; n < 6; n++) complements.observe([1, 2, 2])
  for (let n = 0; n < 4; n++) complements.observe([3])
  // Expected by chance 6 · 6 / 10.
  expect(complements.lift(1, 2)).toBeCloseTo((6 + 5) / (3.6 + 5), 14)
  expect(complements.basketCount).toBe(10)
  expect(complements.lift(1, 3)).toBe(0)
})

it('leaves out substitutes, pairs seen too rarely and pairs no more frequent than chance', () => {
  const complements = new Complements({ togetherMin: 3 })
  for (let n = 0; n < 5; n++) complements.observe([1, 2, 9])
  for (let n = 0; n < 5; n++) complements.observe([1, 11, 9])
  for (let n = 0; n < 2; n++) complements.observe([1, 4, 9])
  for (let n = 0; n < 20; n++) complements.observe([5, 9])
  const categories = new Map([
    [1, 'phone'],
    [11, 'phone'],
  ])
  const groups = ['phone', 'other']
  const groupOf = (item: number) => groups.indexOf(categories.get(item) ?? 'other')
  expect([...complements.of(1, 10, groupOf).indices]).toEqual([2])
  expect([...complements.of(1, 10).indices]).toEqual([2, 11])
})

it('keeps direction: a case after a phone, no phone after a case', () => {
  const complements = new Complements()
  for (let n = 0; n < 8; n++) {
    complements.observe([1], [2])
    complements.observe([2])
    complements.observe([3])
    complements.observe([4])
  }
  expect([...complements.of(1, 5).indices]).toEqual([2])
  expect([...complements.of(2, 5).indices]).toEqual([])
})
