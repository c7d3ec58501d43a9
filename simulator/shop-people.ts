import { createRandom, type Random } from '../core/random.ts'
import type { Device } from '../schemas/user-event.ts'
import type { AgeGroup, UserProfile } from '../schemas/user-profile.ts'
import { categoryLeaves, styles, topCategories } from './category-tree.ts'
import { draw } from './draw.ts'
import { brandCount } from './shop-catalogue.ts'

const ages: readonly AgeGroup[] = ['age_18_24', 'age_25_34', 'age_35_44', 'age_45_54', 'age_55_64', 'age_65_plus']
const genders = ['female', 'male', 'other'] as const
const regions = [
  ['north', 'Europe/Stockholm'],
  ['south', 'Europe/Madrid'],
  ['east', 'Europe/Warsaw'],
  ['west', 'Europe/London'],
  ['central', 'Europe/Berlin'],
  ['coast', 'Europe/Lisbon'],
] as const
const leafCount = categoryLeaves.length

/** Taste of groups: what people of one age, gender or region have in common. */
interface GroupTaste {
  readonly leaf: Float32Array
  readonly top: Float32Array
  readonly brand: Float32Array
  readonly style: Float32Array
}

/** The people of the shop: demographics that they tell, and tastes that nobody sees. Struct of arrays, person = index. */
export class ShopPeople {
  readonly count: number
  readonly #age: Uint8Array
  readonly #gender: Uint8Array
  readonly #region: Uint8Array
  readonly #mobile: Float32Array
  /** Taste for each leaf, brand and style: about standard normal, some leaves well above. */
  readonly leafTaste: Float32Array
  readonly brandTaste: Float32Array
  readonly styleTaste: Float32Array
  /** Preferred price, in standard deviations of a leaf's log prices. */
  readonly priceLevel: Float32Array
  /** How much somebody likes what is new, 0–1. */
  readonly noveltySeeking: Float32Array
  /** Cumulative visit rates: a few people come often. */
  readonly #activity: Float64Array
  /** 1 once the person has told the shop about themselves. */
  readonly #registered: Uint8Array
  /** Item numbers bought, newest last, at most `boughtMax`. */
  readonly #bought: number[][]

  constructor(count: number, seed: string) {
    const random = createRandom(`${seed}/people`)
    this.count = count
    this.#age = new Uint8Array(count)
    this.#gender = new Uint8Array(count)
    this.#region = new Uint8Array(count)
    this.#mobile = new Float32Array(count)
    this.leafTaste = new Float32Array(count * leafCount)
    this.brandTaste = new Float32Array(count * brandCount)
    this.styleTaste = new Float32Array(count * styles.length)
    this.priceLevel = new Float32Array(count)
    this.noveltySeeking = new Float32Array(count)
    this.#activity = new Float64Array(count)
    this.#registered = new Uint8Array(count)
    this.#bought = Array.from({ length: count }, () => [])
    const groups = [ages.length, genders.length, regions.length].map((size) =>
      Array.from({ length: size }, () => groupTaste(random)),
    )
    let total = 0
    for (let person = 0; person < count; person++) {
      this.#age[person] = draw.softmax(random, [0.2, 0.7, 0.6, 0.3, 0, -0.4])
      this.#gender[person] = draw.softmax(random, [1.2, 1.2, -1.5])
      this.#region[person] = draw.softmax(random, [0.2, 0.3, 0, 0.4, 0.6, -0.2])
      this.#mobile[person] = random.next()
      this.#fillTaste(person, random, [
        groups[0]![this.#age[person]!]!,
        groups[1]![this.#gender[person]!]!,
        groups[2]![this.#region[person]!]!,
      ])
      this.priceLevel[person] = 0.8 * draw.normal(random) + 0.15 * (this.#age[person]! - 2)
      this.noveltySeeking[person] = random.next()
      total += Math.exp(0.9 * draw.normal(random))
      this.#activity[person] = total
      this.#registered[person] = random.next() < 0.85 ? 1 : 0
    }
  }

  #fillTaste(person: number, random: Random, groups: readonly GroupTaste[]): void {
    const topTaste = topCategories.map((_, top) => 0.5 * draw.normal(random) + 0.45 * sum(groups, (group) => group.top[top]!))
    const leaves = this.leafTaste.subarray(person * leafCount, (person + 1) * leafCount)
    for (let leaf = 0; leaf < leafCount; leaf++)
      leaves[leaf] =
        topTaste[categoryLeaves[leaf]!.top]! + 0.35 * sum(groups, (group) => group.leaf[leaf]!) + 0.5 * draw.normal(random)
    for (let favourite = 0; favourite < 3; favourite++) {
      const leaf = draw.softmax(random, leaves)
      leaves[leaf] = leaves[leaf]! + 0.9
    }
    for (let brand = 0; brand < brandCount; brand++)
      this.brandTaste[person * brandCount + brand] = 0.4 * sum(groups, (group) => group.brand[brand]!) + 0.7 * draw.normal(random)
    for (let style = 0; style < styles.length; style++)
      this.styleTaste[person * styles.length + style] =
        0.4 * sum(groups, (group) => group.style[style]!) + 0.8 * draw.normal(random)
  }

  /** A visitor: active people more often. */
  visitor(random: Random): number {
    return draw.cumulative(random, this.#activity)
  }

  userId(person: number): string {
    return `u${person + 1}`
  }

  /** The person behind an id, or -1. */
  personOf(userId: string): number {
    const person = userId.startsWith('u') ? Number(userId.slice(1)) - 1 : -1
    return Number.isInteger(person) && person >= 0 && person < this.count ? person : -1
  }

  region(person: number): string {
    return regions[this.#region[person]!]![0]
  }

  timeZone(person: number): string {
    return regions[this.#region[person]!]![1]
  }

  /** A device for one visit: most people have a usual one. */
  device(person: number, random: Random): Device {
    if (random.next() < 0.1) return 'tablet'
    return random.next() < 0.15 + 0.7 * this.#mobile[person]! ? 'mobile' : 'desktop'
  }

  isRegistered(person: number): boolean {
    return this.#registered[person] === 1
  }

  register(person: number): void {
    this.#registered[person] = 1
  }

  /** What the person told the shop. */
  profile(person: number, updatedMs: number): UserProfile {
    const leaves = this.leafTaste.subarray(person * leafCount, (person + 1) * leafCount)
    const best = leaves.indexOf(Math.max(...leaves))
    return {
      userId: this.userId(person),
      ageGroup: ages[this.#age[person]!]!,
      gender: person % 7 === 0 ? null : genders[this.#gender[person]!]!,
      region: this.region(person),
      preferredCategories: person % 3 === 0 ? [categoryLeaves[best]!.path[0]!] : [],
      consent: true,
      updatedMs,
    }
  }

  hasBought(person: number, itemNumber: number): boolean {
    return this.#bought[person]!.includes(itemNumber)
  }

  noteBought(person: number, itemNumber: number): void {
    const bought = this.#bought[person]!
    bought.push(itemNumber)
    if (bought.length > boughtMax) bought.shift()
  }
}

/** Purchases remembered per person. */
const boughtMax = 32

function groupTaste(random: Random): GroupTaste {
  const normals = (length: number): Float32Array => Float32Array.from({ length }, () => draw.normal(random))
  return {
    leaf: normals(leafCount),
    top: normals(topCategories.length),
    brand: normals(brandCount),
    style: normals(styles.length),
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  let total = 0
  for (const value of values) total += of(value)
  return total
}
