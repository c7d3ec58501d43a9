import { lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { ListDraft } from '../../operators/list-draft.ts'
import { type Promotion, promote } from '../../operators/promote.ts'
import type { Item } from '../../schemas/item.ts'
import { catalogueOf, draftOf, exploredAt, orderOf } from './list-draft-fixture.ts'
import { batchOf, marbles } from './marbles.ts'

const brands: Readonly<Record<string, string>> = { a: 'A', b: 'B', c: 'A', d: 'B', e: 'C', f: 'C' }
const catalogue = catalogueOf(Object.fromEntries(Object.entries(brands).map(([name, brand]) => [name, { brand }])))
const items = {
  catalogue,
  get: (itemId: string) =>
    ({ itemId, category: [], tags: itemId === 'f' ? ['sale'] : [], brand: brands[itemId]! }) as never as Item,
}

/** Six candidates of which the first four are ordered; f scores above e. */
function draft(listId = 'list'): ListDraft {
  const candidates = Object.fromEntries(Object.keys(brands).map((name) => [name, { popular: 0.5 }]))
  const made = draftOf(catalogue, { candidates, scores: [0.9, 0.8, 0.7, 0.6, 0.1, 0.2], listId })
  made.order = Int32Array.of(0, 1, 2, 3)
  return made
}

const promotion = (given: Partial<Promotion>): Promotion => ({
  id: 'p',
  field: 'brand',
  values: ['B'],
  slots: [0],
  share: 1,
  ...given,
})

async function promoted(promotions: readonly Promotion[], made = draft(), poolMax = 100) {
  await lastValueFrom(of(batchOf(made)).pipe(promote(items, { promotions, poolMax })))
  const told = [...(made.promoted ?? [])].map(([row, id]) => `${catalogue.items.text(row)} ${id}`)
  return { order: orderOf(made, catalogue).join(''), told, made }
}

describe('promote', () => {
  it('gives a slot to the best candidate that is promoted, and the others move down', () => {
    const made = draft()
    const batch = batchOf(made)
    marbles(({ cold, expectObservable }) => {
      const values = { x: batch, y: batchOf<ListDraft>() }
      const step = promote(items, { promotions: [promotion({})], poolMax: 100 })
      expectObservable(cold('x--y--|', values).pipe(step)).toBe('x--y--|', values)
      expectObservable(cold('-#').pipe(step as never)).toBe('-#')
    })
    expect(orderOf(made, catalogue).join('')).toBe('bacd')
    expect([...made.promoted!]).toEqual([[catalogue.rowOf('b'), 'p']])
  })

  it('chooses from candidates alone, the best first, and never lowers one', async () => {
    expect(await promoted([promotion({ values: ['C'], slots: [2, 1] })])).toMatchObject({ order: 'afeb', told: ['f p', 'e p'] })
    expect(await promoted([promotion({ values: ['C'] })], draft(), 4)).toMatchObject({ order: 'abcd', told: [] })
    expect(await promoted([promotion({ values: ['A'], slots: [3] })])).toMatchObject({ order: 'abcd', told: ['a p'] })
    expect(await promoted([promotion({ values: ['Z'] })])).toMatchObject({ order: 'abcd', told: [] })
    expect(await promoted([promotion({ field: 'tag', values: ['sale'], slots: [1] })])).toMatchObject({ order: 'afbc' })
    expect(await promoted([promotion({ slots: [9] })])).toMatchObject({ order: 'abcd', told: [] })
  })

  it('of two promotions for a slot the first has it, and no item is promoted twice', async () => {
    const two = [promotion({ id: 'p', slots: [0] }), promotion({ id: 'q', field: 'itemId', values: ['b', 'd'], slots: [0, 1] })]
    expect(await promoted(two)).toMatchObject({ order: 'bdac', told: ['b p', 'd q'] })
  })

  it('is carried by its share of lists, the same ones again, and the exploration slot follows its item', async () => {
    let carried = 0
    for (let n = 0; n < 400; n++) {
      const once = await promoted([promotion({ share: 0.25 })], draft(`1-${n}`))
      const again = await promoted([promotion({ share: 0.25 })], draft(`1-${n}`))
      expect(again.order).toBe(once.order)
      if (once.told.length > 0) carried++
    }
    // 100 expected, deviation 8.7.
    expect(Math.abs(carried - 100)).toBeLessThan(40)
    const explored = Object.assign(draft(), { exploration: exploredAt(0) })
    expect((await promoted([promotion({})], explored)).made.exploration).toEqual(exploredAt(1))
    const last = Object.assign(draft(), { exploration: exploredAt(3) })
    expect((await promoted([promotion({ values: ['C'] })], last)).made.exploration).toBeNull()
  })
})
