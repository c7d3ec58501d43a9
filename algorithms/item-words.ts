/** Hashed words of items (see word-hashes.ts), for matching searches with hundreds of them. */
export class ItemWords {
  readonly #words: (readonly number[] | undefined)[] = []
  /** By item, a bit per word: most words that an item has not are told by one look at this. */
  #bits = new Int32Array(1024)

  set(item: number, words: readonly number[]): void {
    if (item >= this.#bits.length) {
      const bits = new Int32Array(Math.max(item + 1, 2 * this.#bits.length))
      bits.set(this.#bits)
      this.#bits = bits
    }
    this.#words[item] = words
    let bits = 0
    for (const word of words) bits |= 1 << (word & 31)
    this.#bits[item] = bits
  }

  /** Whether an item has a word; false for an item of which none are known. */
  has(item: number, word: number): boolean {
    return ((this.#bits[item] ?? 0) & (1 << (word & 31))) !== 0 && this.#words[item]!.includes(word)
  }
}
