import { fnv1a32 } from '../core/hash.ts'
import { tokensOf } from './tokens-of.ts'

/** Bits of a hashed word: of a hundred thousand words one in 170 shares its hash with another. */
export const wordHashBits = 24

/** Distinct words of a text as numbers in [0, 2^24), in order, `countMax` at most: enough to tell whether two texts share a word. */
export function wordHashes(text: string, countMax: number): number[] {
  const hashes: number[] = []
  for (const word of tokensOf(text)) {
    if (hashes.length === countMax) break
    const hash = fnv1a32(word) >>> (32 - wordHashBits)
    if (!hashes.includes(hash)) hashes.push(hash)
  }
  return hashes
}
