/** The items of one term, in no order, with 1 + ln(term count) of each. */
export interface TermPostings {
  readonly items: number[]
  readonly frequencies: number[]
}

const noPostings: TermPostings = { items: [], frequencies: [] }

/** A bounded vocabulary: terms with their numbers, their items and their inverse document frequency. */
export class TermVocabulary {
  /** 1 + ln((1 + N) / (1 + df)) of each term as of its last fit; 0 before. */
  readonly idf: number[] = []
  readonly #termsMax: number
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []
  readonly #postings: TermPostings[] = []
  readonly #free: number[] = []

  constructor(termsMax: number) {
    this.#termsMax = termsMax
  }

  /** Terms known. */
  get size(): number {
    return this.#numbers.size
  }

  /** The number of a term, known or new; -1 if the vocabulary is full. */
  numberOf(token: string): number {
    const known = this.#numbers.get(token)
    if (known !== undefined) return known
    if (this.#numbers.size >= this.#termsMax) return -1
    const term = this.#free.pop() ?? this.#postings.length
    this.#numbers.set(token, term)
    this.#names[term] = token
    this.#postings[term] = { items: [], frequencies: [] }
    this.idf[term] = 0
    return term
  }

  /** The items that hold `term`. */
  postings(term: number): TermPostings {
    return this.#postings[term] ?? noPostings
  }

  /** Notes that `item` holds `term`. */
  post(term: number, item: number, frequency: number): void {
    const { items, frequencies } = this.#postings[term]!
    items.push(item)
    frequencies.push(frequency)
  }

  /** Notes that `item` holds `term` no more; a term without items leaves the vocabulary. */
  unpost(term: number, item: number): void {
    const { items, frequencies } = this.#postings[term]!
    const at = items.indexOf(item)
    items[at] = items[items.length - 1]!
    frequencies[at] = frequencies[frequencies.length - 1]!
    items.pop()
    frequencies.pop()
    if (items.length > 0) return
    this.#numbers.delete(this.#names[term]!)
    this.#free.push(term)
  }

  /** Sets the idf of one term for `itemCount` items. */
  fit(term: number, itemCount: number): void {
    this.idf[term] = 1 + Math.log((1 + itemCount) / (1 + this.#postings[term]!.items.length))
  }

  /** Sets every idf. */
  fitAll(itemCount: number): void {
    for (const term of this.#numbers.values()) this.fit(term, itemCount)
  }
}
