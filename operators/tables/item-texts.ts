import { type ItemText, itemTerms, termRowsWidth, writeTermRows } from '../../algorithms/item-terms.ts'
import { TextNeighbours } from '../../algorithms/text-neighbours.ts'
import type { TextModel } from '../../ports/text-model.ts'

/** Items read at once: a list that is being made waits for them. */
const rowsMax = 512

/** What a text model says of items: those that are new or were renamed are read when lists are made, some at a time. */
export class ItemTexts {
  readonly neighbours = new TextNeighbours()
  readonly #items: ReadonlyMap<number, ItemText>
  readonly #unread = new Set<number>()
  #version = ''
  #reading: Promise<void> | undefined

  /** `items`: by catalogue row, followed live. */
  constructor(items: ReadonlyMap<number, ItemText>) {
    this.#items = items
  }

  /** A row's item is new, or its texts have changed. */
  changed(row: number): void {
    this.#unread.add(row)
  }

  /** Reads some of what is unread; one call at a time, others wait for it. Where the model does not answer it stays unread. */
  async read(model: TextModel): Promise<void> {
    if (this.#unread.size === 0) return
    this.#reading ??= this.#readSome(model).finally(() => {
      this.#reading = undefined
    })
    await this.#reading
  }

  async #readSome(model: TextModel): Promise<void> {
    const rows = [...this.#unread].slice(0, rowsMax)
    // What changes meanwhile is unread again.
    for (const row of rows) this.#unread.delete(row)
    const texts = await model.read(rows.length, (buckets) => this.#inputOf(rows, buckets))
    if (texts === null) {
      for (const row of rows) this.#unread.add(row)
      return
    }
    const { vectors, width, version } = texts
    if (version !== this.#version) this.#begin(version, rows)
    rows.forEach((row, at) => {
      this.neighbours.set(row, vectors.subarray(at * width, (at + 1) * width))
    })
  }

  /** Vectors of another version say nothing of the old ones: all items are read again. */
  #begin(version: string, read: readonly number[]): void {
    if (this.#version !== '') for (const row of this.#items.keys()) this.#unread.add(row)
    for (const row of read) this.#unread.delete(row)
    this.neighbours.clear()
    this.#version = version
  }

  #inputOf(rows: readonly number[], buckets: number): BigInt64Array {
    const input = new BigInt64Array(rows.length * termRowsWidth)
    rows.forEach((row, at) => void writeTermRows(input, at * termRowsWidth, itemTerms(this.#items.get(row)!), buckets))
    return input
  }
}
