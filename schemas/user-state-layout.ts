import { bitLength } from '../core/bit-writer.ts'
import { eventTypes } from './user-event.ts'

/** Bits of a hashed event id. */
export const idBits = 48
/** Event ids say which hour they are of. */
export const hourMs = 3_600_000
/** Bits of a hashed word of a search. */
export const wordBits = 24
/** Order of the code for lengths of lists of items. */
export const itemOrder = 3

const typeOf: number[] = []
const rankOf: number[] = []

/** Event types by how often a person did them, and the place of each in that order: what is frequent gets the shortest code. */
export function rankedTypes(counts: readonly number[]): {
  readonly typeOf: readonly number[]
  readonly rankOf: readonly number[]
} {
  typeOf.length = 0
  for (let type = 0; type < eventTypes.length; type++) {
    let place = type
    while (place > 0 && counts[typeOf[place - 1]!]! < counts[type]!) {
      typeOf[place] = typeOf[place - 1]!
      place--
    }
    typeOf[place] = type
  }
  for (let place = 0; place < typeOf.length; place++) rankOf[typeOf[place]!] = place
  return { typeOf, rankOf }
}

/** Bits that a place in a list of `length` takes. */
export function bitsFor(length: number): number {
  return length <= 1 ? 0 : bitLength(length - 1)
}
