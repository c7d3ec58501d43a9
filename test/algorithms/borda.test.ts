import { describe, expect, it } from 'vitest'
import { bordaMerge } from '../../algorithms/borda.ts'

describe('bordaMerge', () => {
  it('adds (depth − place) / depth by weight', () => {
    const { items, points, mainSource } = bordaMerge([
      { weight: 0.4, items: Int32Array.of(7, 8, 9) },
      { weight: 0.3, items: Int32Array.of(8, 7) },
      { weight: 0.3, items: Int32Array.of(5) },
    ])
    expect([...items]).toEqual([7, 8, 9, 5])
    expect(points[0]).toBeCloseTo(0.4 + (0.3 * 49) / 50, 12)
    expect(points[1]).toBeCloseTo((0.4 * 49) / 50 + 0.3, 12)
    expect(points[2]).toBeCloseTo((0.4 * 48) / 50, 12)
    expect(points[3]).toBeCloseTo(0.3, 12)
    expect([...mainSource]).toEqual([0, 0, 0, 2])
  })

  it('shares out the weight of a source that brought nothing', () => {
    const { points } = bordaMerge([
      { weight: 0.4, items: new Int32Array(0) },
      { weight: 0.3, items: Int32Array.of(1) },
      { weight: 0.3, items: Int32Array.of(2) },
    ])
    expect([...points]).toEqual([0.5, 0.5])
  })

  it('counts only the first `depth`, returns `count`, and is empty for nothing', () => {
    const source = { weight: 1, items: Int32Array.of(4, 3, 2, 1) }
    expect([...bordaMerge([source], { depth: 2 }).items]).toEqual([4, 3])
    expect([...bordaMerge([source], { count: 1 }).items]).toEqual([4])
    expect(bordaMerge([]).items.length).toBe(0)
  })
})
