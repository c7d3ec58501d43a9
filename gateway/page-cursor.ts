import { hash, timingSafeEqual } from 'node:crypto'
import { MillraceError } from '../core/errors.ts'
import { fnv1a32 } from '../core/hash.ts'

/** Where a reader stands in a list (features.md F9.6). */
export interface PagePosition {
  /** The list that was being read; it may have been replaced meanwhile. */
  readonly listId: string
  /** Slots shown so far: the 0-based position of the next one. */
  readonly offset: number
  /** `fnv1a32` of each item shown so far: a replaced list is read on without repeats. */
  readonly shown: readonly number[]
}

const macBytes = 16
/** Block of SHA-256. */
const blockBytes = 64
/** Most items one cursor remembers; a list with its reserve is shorter. */
export const shownMax = 500

/** Turns positions into opaque signed tokens and back; every copy of the gateway needs the same secret. */
export class PageCursors {
  /** The secret's block, as RFC 2104 lays it before the message and before the inner digest. */
  readonly #inner: Buffer
  readonly #outer: Buffer

  constructor(secret: string | Uint8Array) {
    const bytes = Buffer.from(secret)
    const key = Buffer.alloc(blockBytes)
    key.set(bytes.length > blockBytes ? hash('sha256', bytes, 'buffer') : bytes)
    this.#inner = Buffer.from(key.map((byte) => byte ^ 0x36))
    this.#outer = Buffer.from(key.map((byte) => byte ^ 0x5c))
  }

  /** A token for URLs. The person and surface are signed too, so that a token is good for nobody else. */
  encode(position: PagePosition, userId: string, surface: string): string {
    const hashes = Buffer.alloc(position.shown.length * 4)
    position.shown.forEach((hash, index) => {
      hashes.writeUInt32LE(hash, index * 4)
    })
    const listId = Buffer.from(position.listId)
    const head = Buffer.alloc(4)
    head.writeUInt16LE(position.offset, 0)
    head.writeUInt16LE(listId.length, 2)
    const body = Buffer.concat([head, listId, hashes])
    return Buffer.concat([this.#sign(body, userId, surface), body]).toString('base64url')
  }

  /** Reads a token. Errors: `MILL_REQUEST_INVALID` for one that was not made here, for this person and surface. */
  decode(token: string, userId: string, surface: string): PagePosition {
    const bytes = Buffer.from(token, 'base64url')
    const body = bytes.subarray(macBytes)
    if (body.length < 4 || !timingSafeEqual(bytes.subarray(0, macBytes), this.#sign(body, userId, surface))) {
      throw new MillraceError('MILL_REQUEST_INVALID', 'the cursor was not made for this list; begin again without one', {
        details: { field: 'cursor' },
      })
    }
    const listEnd = 4 + body.readUInt16LE(2)
    const shown: number[] = []
    for (let at = listEnd; at < body.length; at += 4) shown.push(body.readUInt32LE(at))
    return { listId: body.toString('utf8', 4, listEnd), offset: body.readUInt16LE(0), shown }
  }

  /** HMAC-SHA-256, cut. By two one-shot digests: an Hmac object of Node.js costs more than the rest of the token. */
  #sign(body: Uint8Array, userId: string, surface: string): Buffer {
    const about = Buffer.from(`${userId.length}:${userId}${surface}\n`)
    const inner = hash('sha256', Buffer.concat([this.#inner, about, body]), 'buffer')
    return hash('sha256', Buffer.concat([this.#outer, inner]), 'buffer').subarray(0, macBytes)
  }
}

/** How a shown item is remembered in a cursor. */
export function shownHash(itemId: string): number {
  return fnv1a32(itemId)
}
