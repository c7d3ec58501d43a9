import { describe, expect, it } from 'vitest'
import { recordSchema } from '../../schemas/record-schema.ts'

const note = recordSchema<{ text: string }>('Note', 'A text.', [{ name: 'text', type: 'string', doc: 'The text.' }])

describe('recordSchema', () => {
  it('encodes records of any size as Avro does, one after the other', () => {
    const sizes = [0, 1, 1_023, 1_024, 1_025, 16_380, 16_384, 16_385, 5_000_000, 40_000, 3]
    const encoded = sizes.map((size) => note.encode({ text: 'é'.repeat(size) }))
    for (const [at, size] of sizes.entries()) {
      expect(encoded[at]!.equals(note.type.toBuffer({ text: 'é'.repeat(size) }))).toBe(true)
      expect(note.decode(encoded[at]!).text.length).toBe(size)
    }
  })

  it('encodes on after a value that did not fit', () => {
    expect(() => note.encode({ text: 7 as unknown as string })).toThrow()
    expect(note.decode(note.encode({ text: 'fine' }))).toEqual({ text: 'fine' })
  })
})
