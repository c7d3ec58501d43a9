import { createRandom, type Random } from '../core/random.ts'
import type { Item } from '../schemas/item.ts'
import { type CategoryLeaf, categoryLeaves, colours, styles } from './category-tree.ts'
import { draw } from './draw.ts'

const brandNames = (
  'Nordkap Velora Tamsin Orrin Castell Miravo Fjellstrom Quillon Sabaro Lindqvist Aurelio Brackwater Solenne Hartwig Oakmere ' +
  'Pellana Rivano Stellan Torvik Umbria Vantaro Wexcombe Yarrow Zephira Altamont Birkholm Corvane Dunmore Elvaro Finchley ' +
  'Galdor Havrin Isolde Juniper Kestrel Larkspur Marrow Nimbus Ostara Pinewick'
).split(' ')

/** Brands of the shop; each sells in a handful of leaves. */
export const brandCount = brandNames.length

/** The catalogue: items live in slots that are used again after a withdrawal, so memory is bounded. */
export class ShopCatalogue {
  /** Slots in use or free, never more than twice the first catalogue. */
  readonly slotsMax: number
  readonly leaf: Uint8Array
  readonly brand: Uint8Array
  readonly style: Uint8Array
  /** How good it is in everybody's eyes: standard normal. */
  readonly quality: Float32Array
  /** Price in standard deviations of the leaf's log prices. */
  readonly priceLevel: Float32Array
  readonly price: Float64Array
  readonly stock: Int32Array
  readonly createdMs: Float64Array
  /** A number that is never used again; 0 = the slot is free. */
  readonly number: Float64Array
  readonly #firstPrice: Float64Array
  readonly #margin: Float32Array
  readonly #colour: Uint8Array
  readonly #noun: Uint8Array
  readonly #slotOf = new Map<number, number>()
  readonly #byLeaf: number[][] = categoryLeaves.map(() => [])
  readonly #live: number[] = []
  readonly #free: number[]
  readonly #random: Random
  #numbers = 0

  constructor(count: number, startMs: number, seed: string) {
    const size = count * 2
    this.slotsMax = size
    this.leaf = new Uint8Array(size)
    this.brand = new Uint8Array(size)
    this.style = new Uint8Array(size)
    this.quality = new Float32Array(size)
    this.priceLevel = new Float32Array(size)
    this.price = new Float64Array(size)
    this.stock = new Int32Array(size)
    this.createdMs = new Float64Array(size)
    this.number = new Float64Array(size)
    this.#firstPrice = new Float64Array(size)
    this.#margin = new Float32Array(size)
    this.#colour = new Uint8Array(size)
    this.#noun = new Uint8Array(size)
    this.#random = createRandom(`${seed}/catalogue`)
    this.#free = Array.from({ length: size }, (_, index) => size - 1 - index)
    for (let i = 0; i < count; i++) this.add(startMs - (1 + 300 * this.#random.next()) * 86_400_000)
  }

  /** Slots of all items on sale or sold out, in no useful order. */
  get live(): readonly number[] {
    return this.#live
  }

  inLeaf(leaf: number): readonly number[] {
    return this.#byLeaf[leaf]!
  }

  /** Whether another item has room. */
  get isFull(): boolean {
    return this.#live.length >= this.slotsMax
  }

  /** Puts a new item on sale and returns its slot; the catalogue must not be full. */
  add(createdMs: number): number {
    const random = this.#random
    const slot = this.#free.pop()!
    const number = ++this.#numbers
    // The first items fill every leaf evenly, so that none is empty.
    const leaf = number <= 2 * categoryLeaves.length ? (number - 1) % categoryLeaves.length : random.below(categoryLeaves.length)
    const level = draw.normal(random)
    this.number[slot] = number
    this.leaf[slot] = leaf
    this.brand[slot] = (leaf * 7 + 11 * random.below(6)) % brandCount
    this.style[slot] = random.below(styles.length)
    this.quality[slot] = draw.normal(random)
    this.priceLevel[slot] = level
    this.price[slot] = roundPrice(categoryLeaves[leaf]!.price * Math.exp(0.4 * level))
    this.stock[slot] = Math.ceil(Math.exp(2.2 + 1.2 * draw.normal(random)))
    this.createdMs[slot] = Math.floor(createdMs)
    this.#firstPrice[slot] = this.price[slot]!
    this.#margin[slot] = 0.12 + 0.33 * random.next()
    this.#colour[slot] = random.below(colours.length)
    this.#noun[slot] = random.below(3)
    this.#slotOf.set(number, slot)
    this.#byLeaf[leaf]!.push(slot)
    this.#live.push(slot)
    return slot
  }

  /** Takes an item out for good; its slot is free then. */
  withdraw(slot: number): void {
    this.#slotOf.delete(this.number[slot]!)
    this.number[slot] = 0
    this.#free.push(slot)
    remove(this.#byLeaf[this.leaf[slot]!]!, slot)
    remove(this.#live, slot)
  }

  itemId(slot: number): string {
    return `i${this.number[slot]}`
  }

  /** The slot of an item id, or -1 if it never was or is no longer. */
  slotOf(itemId: string): number {
    return this.#slotOf.get(Number(itemId.slice(1))) ?? -1
  }

  brandName(slot: number): string {
    return brandNames[this.brand[slot]!]!
  }

  leafOf(slot: number): CategoryLeaf {
    return categoryLeaves[this.leaf[slot]!]!
  }

  setPrice(slot: number, price: number): void {
    this.price[slot] = roundPrice(price)
    this.priceLevel[slot] = Math.log(this.price[slot]! / this.leafOf(slot).price) / 0.4
  }

  /** The item's noun, as people search for it. */
  noun(slot: number): string {
    return this.leafOf(slot).nouns[this.#noun[slot]!]!
  }

  /** The record of an item as it is now. */
  record(slot: number): Item {
    const leaf = this.leafOf(slot)
    const style = styles[this.style[slot]!]!
    const colour = colours[this.#colour[slot]!]!
    const noun = this.noun(slot)
    const brand = this.brandName(slot)
    const price = this.price[slot]!
    return {
      itemId: this.itemId(slot),
      title: `${brand} ${style} ${noun}, ${colour}`,
      description:
        `A ${style} ${noun} in ${colour} by ${brand}. ` +
        `From our ${leaf.path.join(', ').toLowerCase()} range, ${priceWords(this.priceLevel[slot]!)}.`,
      category: leaf.path,
      tags: [style, colour, ...(this.quality[slot]! > 1.2 ? ['bestseller'] : [])],
      brand,
      price,
      margin: Math.round(price * this.#margin[slot]! * 100) / 100,
      stock: this.stock[slot]!,
      createdMs: this.createdMs[slot]!,
      imageUrl: null,
      listPrice: this.#firstPrice[slot]! > price ? this.#firstPrice[slot]! : null,
      sellerRating: null,
      releasedMs: this.createdMs[slot]!,
    }
  }
}

function priceWords(level: number): string {
  return level < -0.7 ? 'made for a small budget' : level > 0.7 ? 'made to last a lifetime' : 'made well at a fair price'
}

function roundPrice(price: number): number {
  return Math.max(1, Math.round(price * 100) / 100)
}

function remove(list: number[], value: number): void {
  const at = list.indexOf(value)
  const last = list.pop()!
  if (at < list.length) list[at] = last
}
