import { describe, expect, it } from 'vitest'
import { foldUserEvent } from '../../operators/user-fold.ts'
import { emptyUserState } from '../../schemas/user-state.ts'
import { shopEvent } from '../topologies/shop-events.ts'

const hourMs = 3_600_000
/** On the hour. */
const startMs = 480_000 * hourMs
const fold = (state = emptyUserState()) => ({
  state,
  /** Whether an event with this id, so long after the start, counts. */
  at: (eventId: string, afterMs: number, keptMs?: number) =>
    foldUserEvent(state, shopEvent(eventId, 'view', startMs + afterMs), keptMs),
})

describe('foldUserEvent', () => {
  it('counts an id once in the 24 hours before the newest event, to the hour it lies in', () => {
    const { at, state } = fold()
    expect(at('a', hourMs - 1)).toBe(true)
    expect(at('b', hourMs)).toBe(true)
    expect(at('c', 24 * hourMs)).toBe(true)
    expect(at('a', hourMs - 1)).toBe(false)
    expect(at('c', 25 * hourMs - 1)).toBe(false)
    expect(at('d', 25 * hourMs)).toBe(true)
    expect(state.eventIdHours.map((hour) => hour - 480_000)).toEqual([1, 24, 25])
    expect(at('b', hourMs)).toBe(false)
    expect(at('a', hourMs - 1)).toBe(true)
  })

  it('keeps ids as long as events may be late, if that is longer', () => {
    const { at } = fold()
    expect(at('a', 0, 48 * hourMs)).toBe(true)
    expect(at('b', 48 * hourMs, 48 * hourMs)).toBe(true)
    expect(at('a', 0, 48 * hourMs)).toBe(false)
    expect(at('c', 49 * hourMs, 48 * hourMs)).toBe(true)
    expect(at('a', 0, 48 * hourMs)).toBe(true)
  })

  it('keeps the 200 newest ids', () => {
    const { at, state } = fold()
    for (let i = 0; i < 200; i++) expect(at(`e${i}`, i)).toBe(true)
    expect(at('e0', 0)).toBe(false)
    expect(at('e200', 200)).toBe(true)
    expect(state.eventIds).toHaveLength(200)
    expect(at('e1', 1)).toBe(false)
    expect(at('e0', 0)).toBe(true)
  })

  it('puts the later of two events of one time first', () => {
    const { state } = fold()
    for (const itemId of ['a', 'b', 'c', 'a']) foldUserEvent(state, shopEvent(`e${state.counts[1]}`, 'view', startMs, { itemId }))
    expect(state.recent.map(({ itemId }) => itemId)).toEqual(['a', 'c', 'b'])
  })
})
