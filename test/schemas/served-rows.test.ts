import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base64Of, packRows, unpackRow } from '../../schemas/served-rows.ts'

describe('packRows', () => {
  it('gives back every row to the bit, whatever is the same in them', () => {
    const number = fc.oneof(fc.constantFrom(0, -0, 1), fc.float({ noNaN: true }))
    const rows = fc
      .integer({ min: 1, max: 40 })
      .chain((width) => fc.array(fc.array(number, { minLength: width, maxLength: width }), { maxLength: 6 }))
    fc.assert(
      fc.property(rows, (numbers) => {
        const byItem = new Map(numbers.map((row, at) => [`i${at}`, Float32Array.from(row)]))
        const packed = JSON.parse(JSON.stringify(packRows(byItem)))
        for (const [itemId, row] of byItem) expect(unpackRow(packed, itemId)).toEqual(Buffer.from(row.buffer))
        expect(unpackRow(packed, 'another')).toBeNull()
      }),
    )
  })

  it('keeps once what all rows share', () => {
    const rows = new Map(
      Array.from({ length: 20 }, (_, item) => [`i${item}`, Float32Array.from({ length: 100 }, (_, at) => at && 1)]),
    )
    for (const [at, row] of [...rows.values()].entries()) row[37] = at
    const packed = packRows(rows)
    expect(packed.features['i3']).toBe(base64Of(Float32Array.of(3)))
    expect(JSON.stringify(packed).length).toBeLessThan(1_100)
  })

  it('reads whole rows, as earlier versions stored them', () => {
    expect(unpackRow({ features: { a: 'AAAAQA==' } }, 'a')).toEqual(Buffer.from(Float32Array.of(2).buffer))
  })
})
