import { invariant } from '../core/invariant.ts'
import { innerProductsModule } from './inner-products.ts'
import type { NearestRows } from './nearest-rows.ts'
import { offerBest, sortBest } from './top-k.ts'

const pageBytes = 65_536
const rowsFirst = 1024

/** What `innerProductsModule` exports. */
type Multiply = (query: number, vectors: number, count: number, out: number) => void

/**
 * Vectors by row for exact search by inner product: with rows and query of length 1 that is the cosine. Held as float32 in memory
 * of their own, so that all products are taken by one call: 6 µs for 2,000 rows of 32 numbers.
 */
export class VectorRows implements NearestRows {
  readonly width: number
  readonly #module: WebAssembly.Module
  #multiply!: Multiply
  /** The query, then the vectors, then their products. */
  #numbers = new Float32Array(0)
  #capacity = 0
  #isSet = new Uint8Array(0)
  #size = 0

  /** `width`: numbers of a vector, a multiple of 4, at most 1,024. */
  constructor(width: number) {
    invariant(width > 0 && width <= 1024 && width % 4 === 0, 'VectorRows: the width must be a multiple of 4, at most 1,024')
    this.width = width
    this.#module = new WebAssembly.Module(innerProductsModule(width))
    this.#grow(rowsFirst)
  }

  /** One more than the highest row that was set. */
  get size(): number {
    return this.#size
  }

  has(row: number): boolean {
    return this.#isSet[row] === 1
  }

  set(row: number, vector: Float32Array): void {
    invariant(vector.length === this.width, `VectorRows: a vector has ${this.width} numbers, not ${vector.length}`)
    if (row >= this.#capacity) this.#grow(Math.max(row + 1, 2 * this.#capacity))
    this.#numbers.set(vector, this.width + row * this.width)
    this.#isSet[row] = 1
    this.#size = Math.max(this.#size, row + 1)
  }

  /** The vector of a row that has one; valid until the next `set`. */
  vector(row: number): Float32Array {
    return this.#numbers.subarray(this.width * (1 + row), this.width * (2 + row))
  }

  /** Exact: every row that was set is compared. */
  nearest(query: Float32Array, keep: (row: number) => boolean, rows: Int32Array, products: Float32Array): number {
    const all = this.products(query)
    let count = 0
    let worst = Number.NEGATIVE_INFINITY
    for (let row = 0; row < all.length; row++) {
      const product = all[row]!
      // Few rows come so far: what each costs is this comparison. A tie goes to the row that was first.
      if (product <= worst || !this.has(row) || !keep(row)) continue
      count = offerBest(rows, products, count, row, product)
      if (count === rows.length) worst = products[0]!
    }
    sortBest(rows, products, count)
    return count
  }

  /** The inner product of `query` with each row below `size`, 0 where none was set; valid until the next call. */
  products(query: Float32Array): Float32Array {
    invariant(query.length === this.width, `VectorRows: a query has ${this.width} numbers, not ${query.length}`)
    this.#numbers.set(query, 0)
    const out = this.width * (1 + this.#capacity)
    if (this.#size > 0) this.#multiply(0, 4 * this.width, this.#size, 4 * out)
    return this.#numbers.subarray(out, out + this.#size)
  }

  /** Writes the inner product of `query` with each of the first `count` of `rows` into `out`, 0 where none was set. */
  productsOf(query: Float32Array, rows: Int32Array, count: number, out: Float32Array): void {
    invariant(query.length === this.width, `VectorRows: a query has ${this.width} numbers, not ${query.length}`)
    this.#numbers.set(query, 0)
    const product = this.width * (1 + this.#capacity)
    for (let at = 0; at < count; at++) {
      const isSet = this.has(rows[at]!)
      if (isSet) this.#multiply(0, 4 * this.width * (1 + rows[at]!), 1, 4 * product)
      out[at] = isSet ? this.#numbers[product]! : 0
    }
  }

  #grow(capacity: number): void {
    const { width } = this
    const old = this.#numbers.subarray(0, width * (1 + this.#size))
    const pages = Math.ceil((4 * (width * (1 + capacity) + capacity)) / pageBytes)
    const memory = new WebAssembly.Memory({ initial: pages })
    const { exports } = new WebAssembly.Instance(this.#module, { m: { m: memory } })
    this.#multiply = exports['p'] as Multiply
    this.#numbers = new Float32Array(memory.buffer)
    this.#numbers.set(old)
    const isSet = new Uint8Array(capacity)
    isSet.set(this.#isSet)
    this.#isSet = isSet
    this.#capacity = capacity
  }
}
