import { BitReader } from '../core/bit-reader.ts'
import { BitWriter } from '../core/bit-writer.ts'
import { MillraceError } from '../core/errors.ts'
import type { UserState } from './user-state.ts'
import { readUserState } from './user-state-reader.ts'
import { writeUserState } from './user-state-writer.ts'

/** The first byte of every value: a change of what follows takes the next number. */
const version = 3
/** The oldest version that is still read. */
const versionMin = 1
const byteBits = 8

/** Encoding and decoding never wait, so one of each serves all. */
const writer = new BitWriter()
const reader = new BitReader()

/**
 * Packs a person's state bit by bit (adr/0014): a sixth of what Avro takes, since millions of them lie in memory. Reading gives the
 * state that was written, to the last bit; what earlier versions wrote is taken over. Errors: `MILL_SCHEMA_MISMATCH` for bytes that are no such
 * value or of a later version.
 */
export const userStateCodec = {
  encode(state: UserState): Buffer {
    writer.reset()
    writer.bits(version, byteBits)
    writeUserState(writer, state)
    return writer.copy()
  },

  decode(bytes: Uint8Array): UserState {
    if (bytes.length > 0 && (bytes[0]! < versionMin || bytes[0]! > version))
      throw new MillraceError(
        'MILL_SCHEMA_MISMATCH',
        `the bytes are a UserState of version ${bytes[0]}, and this Millrace reads versions ${versionMin} to ${version}: run the one that ` +
          'wrote them, or clear the state of user-features and fold its events again',
      )
    try {
      reader.open(bytes)
      const state = readUserState(reader, reader.bits(byteBits))
      reader.close()
      return state
    } catch (cause) {
      throw new MillraceError('MILL_SCHEMA_MISMATCH', `the bytes are no UserState: ${(cause as Error).message}`, { cause })
    }
  },
}
