import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type MovedTo, movedItems } from '../../algorithms/moved-items.ts'
import '../property-seed.ts'

/** Takes out all that move, then sets each where it says. */
function applied(before: readonly number[], moves: readonly MovedTo[]): number[] {
  const order = before.filter((item) => !moves.some((move) => move.item === item))
  for (const { item, before: next } of moves) order.splice(next === null ? order.length : order.indexOf(next), 0, item)
  return order
}

describe('movedItems', () => {
  it.each([
    { before: [1, 2, 3], after: [1, 2, 3], moves: [], why: 'nothing moves' },
    {
      before: [1, 2],
      after: [1, 2, 8, 9],
      moves: [
        [8, null],
        [9, null],
      ],
      why: 'new ones at the end follow each other',
    },
    { before: [1, 2], after: [9, 1, 2], moves: [[9, 1]], why: 'one in front' },
    { before: [1, 2, 3, 4], after: [2, 3, 4, 1], moves: [[1, null]], why: 'the one that moves, not the three that stay' },
    { before: [], after: [5], moves: [[5, null]], why: 'a list that was empty' },
  ])('$before → $after: $why', ({ before, after, moves }) => {
    expect(movedItems(before, after).map(({ item, before: next }) => [item, next])).toEqual(moves)
  })

  it('makes any order of any other, and moves no more than the longest run leaves', () => {
    const orders = fc.tuple(fc.uniqueArray(fc.nat(12), { maxLength: 9 }), fc.uniqueArray(fc.nat(15), { maxLength: 9 }))
    fc.assert(
      fc.property(orders, ([old, after]) => {
        const before = old.filter((item) => after.includes(item))
        const moves = movedItems(before, after)
        expect(applied(before, moves)).toEqual(after)
        expect(moves).toHaveLength(after.length - longestCommon(before, after))
      }),
    )
  })
})

/** Length of the longest common subsequence, by the table of its definition. */
function longestCommon(a: readonly number[], b: readonly number[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      table[i]![j] = a[i - 1] === b[j - 1] ? table[i - 1]![j - 1]! + 1 : Math.max(table[i - 1]![j]!, table[i]![j - 1]!)
  return table[a.length]![b.length]!
}
