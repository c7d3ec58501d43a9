import { describe, expect, it } from 'vitest'
import { sampleRatio } from '../../algorithms/sample-ratio.ts'

describe('sampleRatio', () => {
  it('gives the golden χ² and p', () => {
    const { chiSquare, pValue, mismatch } = sampleRatio([1000, 1100], [0.5, 0.5])
    expect(chiSquare).toBeCloseTo(4.7619, 5)
    expect(pValue).toBeCloseTo(0.0290963, 7)
    expect(mismatch).toBe(false)
  })

  it('alarms below .001, weights in any unit', () => {
    expect(sampleRatio([1000, 1200], [1, 1]).mismatch).toBe(true)
    expect(sampleRatio([2000, 1000], [2, 1])).toEqual({ chiSquare: 0, pValue: 1, mismatch: false })
    expect(sampleRatio([1000, 3], [1, 0]).mismatch).toBe(true)
    expect(sampleRatio([0, 0], [1, 1]).pValue).toBe(1)
    expect(() => sampleRatio([1], [1, 1])).toThrow('weight')
  })
})
