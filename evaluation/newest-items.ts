/** Items kept of one owner. */
const kept = 50

const nothing = new Int32Array(0)

/** The newest items of each owner (a session or a user), oldest first: for algorithms that ask themselves while they learn. */
export class NewestItems {
  readonly #items = new Map<number, number[]>()

  add(owner: number, item: number): void {
    const items = this.#items.get(owner)
    if (items === undefined) this.#items.set(owner, [item])
    else {
      if (items.length === kept) items.shift()
      items.push(item)
    }
  }

  of(owner: number): Int32Array {
    const items = this.#items.get(owner)
    return items === undefined ? nothing : Int32Array.from(items)
  }
}
