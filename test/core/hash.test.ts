import { describe, expect, it } from 'vitest'
import { hash48 } from '../../core/hash.ts'

const count = 300_000

describe('hash48', () => {
  it.each([
    ['numbers', (n: number) => String(n)],
    ['numbers behind a name', (n: number) => `12hej4f-e${n}`],
    ['two numbers', (n: number) => `e-${n % 1_000}-${Math.floor(n / 1_000)}`],
    ['long ids that differ at their end', (n: number) => n.toString(16).padStart(36, '0')],
    ['long ids that differ at their start', (n: number) => n.toString(16).padEnd(36, '-')],
    ['other letters', (n: number) => String.fromCharCode(0x400 + (n & 0xff), 0x400 + ((n >> 8) & 0xff), n >> 16)],
  ])('tells %s apart, in all of its bits', (_name, idOf) => {
    const hashes = Float64Array.from({ length: count }, (_, n) => hash48(idOf(n)))
    expect(hashes.every((hash) => Number.isInteger(hash) && hash >= 0 && hash < 2 ** 48)).toBe(true)
    expect(new Set(hashes).size).toBe(count)
    // Of any 32 bits about count² / 2^33 = 10.5 pairs are equal by chance.
    for (const part of [hashes.map((hash) => hash % 2 ** 32), hashes.map((hash) => Math.floor(hash / 2 ** 16))]) {
      expect(count - new Set(part).size).toBeGreaterThanOrEqual(1)
      expect(count - new Set(part).size).toBeLessThan(30)
    }
  })
})
