import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type ItemText, itemTerms, termRowsWidth, writeTermRows } from '../../algorithms/item-terms.ts'

/** What models/training/millrace_training/text_encoder.py says; its own tests hold it to this file too. */
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'item-terms.json'), 'utf8')) as {
  readonly item: ItemText
  readonly terms: readonly string[]
  readonly rows: Readonly<Record<string, readonly number[]>>
}[]

it('items have the terms and rows that training gives them: any script, marks, digits, spaces of no width, more than fit', () => {
  expect(golden.some(({ terms }) => new Set(terms).size > termRowsWidth)).toBe(true)
  for (const { item, terms, rows } of golden) {
    expect(itemTerms(item)).toEqual(terms)
    for (const [buckets, wanted] of Object.entries(rows)) {
      const out = new BigInt64Array(2 * termRowsWidth).fill(7n)
      writeTermRows(out, termRowsWidth, itemTerms(item), Number(buckets))
      expect([...out.subarray(termRowsWidth)].map(Number)).toEqual(wanted)
      expect(new Set(out.subarray(0, termRowsWidth))).toEqual(new Set([7n]))
    }
  }
})
