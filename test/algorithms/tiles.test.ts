import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addToTiles, emptyTiles, expireTiles, nextTileExpiryMs, sumTiles, type TilesShape } from '../../algorithms/tiles.ts'

const hourMs = 3_600_000
const weekMs = 7 * 24 * hourMs
const shape: TilesShape = { tileMs: hourMs, tilesMax: 169, width: 2 }
const startMs = 450_000 * hourMs

describe('tiles', () => {
  it('equal a list of all events, in any order, for any window', () => {
    const events = fc.array(
      fc.record({
        timeMs: fc.integer({ min: startMs, max: startMs + 160 * hourMs }),
        column: fc.integer({ min: 0, max: 1 }),
        amount: fc.integer({ min: 1, max: 9 }),
      }),
      { maxLength: 60 },
    )
    const hours = fc.integer({ min: 1, max: 168 })
    const nowMs = fc.integer({ min: startMs, max: startMs + 400 * hourMs })
    fc.assert(
      fc.property(events, hours, nowMs, (all, windowHours, now) => {
        const tiles = emptyTiles()
        for (const { timeMs, column, amount } of all) expect(addToTiles(tiles, timeMs, column, amount, shape)).toBe(true)
        const last = Math.floor(now / hourMs)
        const inside = all.filter((e) => {
          const tile = Math.floor(e.timeMs / hourMs)
          return tile <= last && tile > last - windowHours
        })
        const expected = [0, 1].map((column) => inside.filter((e) => e.column === column).reduce((sum, e) => sum + e.amount, 0))
        expect([...sumTiles(tiles, now, windowHours * hourMs, shape)]).toEqual(expected)
        expect(tiles.indices).toEqual([...new Set(tiles.indices)].sort((a, b) => a - b))
        expireTiles(tiles, now, shape)
        expect([...sumTiles(tiles, now, windowHours * hourMs, shape)]).toEqual(expected)
      }),
    )
  })

  it('drop what is out of reach, and refuse what comes too late for any window', () => {
    const tiles = emptyTiles()
    addToTiles(tiles, startMs, 0, 1, shape)
    addToTiles(tiles, startMs + 169 * hourMs, 0, 1, shape)
    expect(tiles.indices).toEqual([450_169])
    expect(tiles.values).toEqual([1, 0])
    expect(addToTiles(tiles, startMs, 0, 1, shape)).toBe(false)
    expect(addToTiles(tiles, startMs + hourMs, 1, 1, shape)).toBe(true)
    expect(tiles.indices.length).toBe(2)
  })

  it('never hold more than tilesMax tiles', () => {
    const tiles = emptyTiles()
    for (let hour = 0; hour < 1000; hour++) addToTiles(tiles, startMs + hour * hourMs, 0, 1, shape)
    expect(tiles.indices.length).toBe(169)
    expect(tiles.values.length).toBe(338)
    expect(sumTiles(tiles, startMs + 999 * hourMs, weekMs, shape)[0]).toBe(168)
  })

  it('say when their sum changes by time alone, and it does', () => {
    const tiles = emptyTiles()
    expect(nextTileExpiryMs(tiles, startMs, weekMs, shape)).toBe(null)
    addToTiles(tiles, startMs + 10, 0, 1, shape)
    addToTiles(tiles, startMs + 5 * hourMs, 0, 1, shape)
    const changeMs = nextTileExpiryMs(tiles, startMs + 6 * hourMs, weekMs, shape)!
    expect(sumTiles(tiles, changeMs - 1, weekMs, shape)[0]).toBe(2)
    expect(sumTiles(tiles, changeMs, weekMs, shape)[0]).toBe(1)
    expect(expireTiles(tiles, changeMs + hourMs, shape)).toBe(true)
    expect(expireTiles(tiles, changeMs + hourMs, shape)).toBe(false)
  })
})
