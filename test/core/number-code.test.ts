import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BitReader } from '../../core/bit-reader.ts'
import { BitWriter } from '../../core/bit-writer.ts'
import { readIds, writeIds } from '../../core/id-list-code.ts'
import {
  readAmount,
  readDescendingFloats,
  readNumber,
  readNumbers,
  writeAmount,
  writeDescendingFloats,
  writeNumber,
  writeNumbers,
} from '../../core/number-code.ts'
import { readText, writeText } from '../../core/text-code.ts'

const writer = new BitWriter()
const reader = new BitReader()

/** What comes back of what `write` wrote, and how many bytes it took. */
function again<T>(write: () => void, read: () => T): { value: T; bytes: number } {
  writer.reset()
  write()
  const bytes = writer.copy()
  reader.open(bytes)
  const value = read()
  reader.close()
  return { value, bytes: bytes.length }
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc.uuid(),
  fc.stringMatching(/^[A-Z][a-z &-]{0,12}$/),
)
const id = fc.oneof(
  fc.nat().map(String),
  fc.nat({ max: 99 }).map((number) => `item-${number}`),
  fc.nat({ max: 9_999 }).map((number) => `B${String(number).padStart(6, '0')}`),
  fc.stringMatching(/^[0-9]{1,20}$/),
  fc.constantFrom('item-', 'item-007', '0', '00', 'ä1', '9'.repeat(128), `${'x'.repeat(70)}1`),
  text,
)

describe('codes of numbers', () => {
  it('give back numbers and lists of numbers', () => {
    const number = fc.oneof(
      fc.nat({ max: 3 }),
      fc.nat(),
      fc.constant(2 ** 52),
      fc.nat({ max: 2 ** 22 }).map((n) => n * 2 ** 30),
    )
    fc.assert(
      fc.property(fc.array(number, { maxLength: 30 }), (numbers) => {
        const into: number[] = []
        const list = again(
          () => writeNumbers(writer, numbers),
          () => readNumbers(reader, numbers.length, into),
        )
        expect(into).toEqual(numbers)
        expect(list.bytes).toBeLessThan(16 + numbers.length * 14)
        for (const each of numbers) {
          const one = again(
            () => writeNumber(writer, each),
            () => readNumber(reader),
          )
          expect(one.value).toBe(each)
        }
      }),
    )
  })

  it('give back any amount to the last bit, and sums of cents in a few bytes', () => {
    const amountOf = (amount: number) =>
      again(
        () => writeAmount(writer, amount),
        () => readAmount(reader),
      )
    const cents = fc.nat({ max: 2 ** 30 }).map((units) => units / 100)
    fc.assert(
      fc.property(fc.oneof(fc.double(), cents, fc.constantFrom(0, -0, 1e13, 2 ** 46 / 100, 1e300, -1, Number.NaN)), (amount) => {
        expect(amountOf(amount).value).toBe(amount)
      }),
    )
    fc.assert(
      fc.property(fc.array(cents, { minLength: 1, maxLength: 60 }), (prices) => {
        const sum = prices.reduce((total, price) => total + price, 0)
        expect(amountOf(sum).value).toBe(sum)
      }),
    )
    const tenth = amountOf(0.1 + 0.2)
    expect(tenth).toEqual({ value: 0.1 + 0.2, bytes: 3 })
  })

  it('give back descending floats', () => {
    const weights = fc.array(fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }), { maxLength: 45 })
    fc.assert(
      fc.property(weights, (values) => {
        const descending = [...values].sort((a, b) => b - a).map((value) => value + 0)
        const into: number[] = []
        again(
          () => writeDescendingFloats(writer, descending),
          () => readDescendingFloats(reader, descending.length, into),
        )
        expect(into).toEqual(descending)
      }),
    )
  })
})

describe('codes of texts', () => {
  it('give back any text', () => {
    fc.assert(
      fc.property(text, (each) => {
        const { value, bytes } = again(
          () => writeText(writer, each),
          () => readText(reader),
        )
        expect(value).toBe(each)
        expect(bytes).toBeLessThanOrEqual(3 + Buffer.byteLength(each) * 2.5)
      }),
    )
  })

  it.each([
    ['Electronics', 7],
    ['Non-fiction', 8],
    ['3f2504e0-4f89-41d3-9a0c-0305e82c3301', 17],
  ])('%s takes %i bytes at most', (each, bytesMax) => {
    expect(
      again(
        () => writeText(writer, each),
        () => readText(reader),
      ).bytes,
    ).toBeLessThanOrEqual(bytesMax)
  })

  it('refuses a text that does not end, and one that is too long to write', () => {
    reader.open(
      Buffer.from(
        again(
          () => writeText(writer, 'Garden'),
          () => readText(reader),
        ).value,
      ),
    )
    expect(() => {
      readText(reader)
      reader.close()
    }).toThrow()
    expect(() => writeText(writer, 'ä'.repeat(40_000))).toThrow('a text of 80000 bytes is too long (65535)')
  })

  it('give back lists of ids, numbered or not', () => {
    fc.assert(
      fc.property(fc.oneof(fc.array(id, { maxLength: 20 }), fc.array(fc.nat({ max: 5_000 }).map((n) => `i${n}`))), (ids) => {
        const { value } = again(
          () => writeIds(writer, ids),
          () => readIds(reader, ids.length),
        )
        expect(value).toEqual(ids)
      }),
    )
  })
})
