/** Longer texts are not kept. */
const bytesMax = 48

/**
 * Decodes UTF-8, and keeps short ASCII texts to answer them again: ids repeat all the time, so nothing is allocated for most, and
 * maps find them faster. Bounded by its number of places (a power of two): a newer text takes the place of an older one.
 */
export class TextTable {
  readonly #texts: string[]
  readonly #mask: number

  constructor(places: number) {
    this.#texts = new Array<string>(places).fill('')
    this.#mask = places - 1
  }

  /** The text in `length` bytes from `at` on; they must lie within the bytes. */
  read(bytes: Uint8Array, at: number, length: number): string {
    if (length > bytesMax) return utf8Text(bytes, at, length)
    // A few bytes tell most texts apart; comparing with what is there decides.
    let hash = length
    const end = at + length
    for (let i = end - 1, step = 1; i >= at; i -= step++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    const place = (hash ^ (hash >>> 15)) & this.#mask
    const known = this.#texts[place]!
    if (known.length === length && isSame(known, bytes, at)) return known
    const text = utf8Text(bytes, at, length)
    // Texts of more bytes than units are no ASCII: they would never be found again.
    if (text.length === length) this.#texts[place] = text
    return text
  }
}

/** Whether the units are the bytes; a byte above 127 never is one, for such texts are not kept. */
function isSame(text: string, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[at + i]) return false
  return true
}

/** The text in `length` bytes from `at` on, as UTF-8. */
export function utf8Text(bytes: Uint8Array, at: number, length: number): string {
  if (Buffer.isBuffer(bytes)) return bytes.toString('utf8', at, at + length)
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('utf8')
}
