import { describe, expect, it } from 'vitest'
import { GroupBoard } from '../../algorithms/group-board.ts'
import { fnv1a32 } from '../../core/hash.ts'
import { GroupTable } from '../../operators/tables/group-table.ts'
import type { UserProfile } from '../../schemas/user-profile.ts'

const dayMs = 86_400_000
const person = (userId: string) => fnv1a32(userId) | 0
const profile = (userId: string, fields: Partial<UserProfile> | null) => ({
  key: userId,
  offset: 0,
  loggedMs: 0,
  value: fields && {
    userId,
    ageGroup: 'age_25_34' as const,
    gender: 'f',
    region: 'DE',
    preferredCategories: [],
    consent: true,
    updatedMs: 1,
    ...fields,
  },
})
const narrow = 'scope:group:age_25_34|f|DE'
const wide = 'scope:group:age_25_34||DE'

describe('GroupTable', () => {
  it('counts what people touch for the groups they declared, whether the profile or the touch comes first', () => {
    const orders: ((table: GroupTable) => void)[] = [
      (table) => table.apply([profile('u', {}), profile('v', { gender: null })]),
      (table) => {
        table.touched(person('u'), 7, 1)
        table.touched(person('v'), 7, 2)
        table.touched(person('u'), 9, 3)
      },
    ]
    for (const steps of [orders, orders.toReversed()]) {
      const table = new GroupTable()
      for (const step of steps) step(table)
      const lists = table.beside(new Map())
      expect([...lists.get(narrow)!.popularRows]).toEqual([9, 7]) // The later touch weighs a little more.
      expect([...lists.get(wide)!.popularRows]).toEqual([7, 9])
      expect([lists.get(narrow)!.people, lists.get(wide)!.people]).toEqual([1, 2])
    }
  })

  it('counts nothing for who erased the profile, gave no consent or never had one, and leaves other scopes to others', () => {
    const table = new GroupTable()
    table.apply([profile('u', {}), profile('w', { consent: false })])
    table.apply([profile('u', null)])
    for (const userId of ['u', 'w', 'nobody']) table.touched(person(userId), 7, 1)
    const other = { people: 1, popularRows: Int32Array.of(1) } as never
    const lists = table.beside(new Map([['scope:all', other]]))
    expect([lists.get(narrow), lists.get('scope:all')]).toEqual([undefined, other])
  })

  it('remembers ten touches of fifty thousand people without a profile', () => {
    const table = new GroupTable()
    for (let touch = 0; touch < 30; touch++) table.touched(person('u'), touch, touch)
    table.apply([profile('u', {})])
    expect([...table.beside(new Map()).get(narrow)!.popularRows].sort((a, b) => a - b)).toEqual([
      20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
    ])
    table.touched(person('old'), 1, 1)
    for (let other = 0; other < 50_000; other++) table.touched(other * 7 + 1, 1, 1)
    table.apply([profile('old', { region: 'AT' })])
    expect(table.beside(new Map()).get('scope:group:age_25_34|f|AT')).toBeUndefined()
  })
})

describe('GroupBoard', () => {
  it('is what the definition says: counts that halve in a week', () => {
    const board = new GroupBoard()
    const touches = Array.from({ length: 400 }, (_, n) => ({ row: (n * n) % 23, timeMs: ((n * 37) % 60) * dayMs }))
    for (const [n, { row, timeMs }] of touches.entries()) board.add(n % 300, row, timeMs)
    const slow = new Map<number, number>()
    for (const { row, timeMs } of touches) slow.set(row, (slow.get(row) ?? 0) + 2 ** ((timeMs - 60 * dayMs) / (7 * dayMs)))
    const order = [...slow].sort(([a, x], [b, y]) => y - x || a - b).map(([row]) => row)
    const list = board.list()
    expect([...list.popularRows]).toEqual(order)
    expect(list.popularScores[1]! / list.popularScores[0]!).toBeCloseTo(slow.get(order[1]!)! / slow.get(order[0]!)!, 9)
    expect(list.people).toBe(128)
  })

  it('is bounded: the least touched of many items are forgotten', () => {
    const board = new GroupBoard()
    for (let row = 0; row < 5_000; row++) for (let touch = 0; touch < (row < 20 ? 5 : 1); touch++) board.add(1, row, dayMs)
    expect([...board.list().popularRows.subarray(0, 20)]).toEqual(Array.from({ length: 20 }, (_, row) => row))
    expect(board.list().popularRows).toHaveLength(100)
  })
})
