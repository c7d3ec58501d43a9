import { fnv1a32 } from '../core/hash.ts'

/** Columns of both towers' inputs. */
export const towerWidth = 64

const categoryColumns = 32
const brandColumns = 12
const tagColumns = 12
const ageSymbols = ['unknown', 'under_18', 'age_18_24', 'age_25_34', 'age_35_44', 'age_45_54', 'age_55_64', 'age_65_plus']

/** What the user tower knows of a person. */
export interface TowerUser {
  readonly categories: readonly { readonly name: string; readonly weight: number }[]
  readonly brands: readonly { readonly name: string; readonly weight: number }[]
  readonly declared: readonly string[]
  /** Mean of ln(1 + price) or null. */
  readonly priceLevel: number | null
  readonly ageGroup: string
  readonly mobile: boolean
  readonly events: number
  readonly sessionCategory: string | null
  /** 0–24. */
  readonly hour: number
}

/** What the item tower knows of an item. */
export interface TowerItem {
  readonly category: readonly string[]
  readonly brand: string | null
  readonly tags: readonly string[]
  readonly price: number
}

/**
 * The user tower's input: categories and brands hashed into columns (signed hashing, Weinberger 2009, so that collisions
 * cancel on average), so the same model serves any catalogue. All numbers finite, most within [-1, 1].
 */
export function writeTowerUser(out: Float32Array, at: number, user: TowerUser): void {
  const base = at * towerWidth
  out.fill(0, base, base + towerWidth)
  for (const { name, weight } of user.categories) addHashed(out, base, categoryColumns, name, weight)
  for (const name of user.declared) addHashed(out, base, categoryColumns, name, 0.3)
  if (user.sessionCategory !== null) addHashed(out, base, categoryColumns, user.sessionCategory, 0.5)
  for (const { name, weight } of user.brands) addHashed(out, base + categoryColumns, brandColumns, name, weight)
  let column = base + categoryColumns + brandColumns
  out[column++] = user.priceLevel === null ? 0 : user.priceLevel / 5
  out[column++] = user.priceLevel === null ? 0 : 1
  out[column++] = user.mobile ? 1 : 0
  out[column++] = Math.log1p(user.events) / 10
  out[column++] = Math.sin((user.hour / 24) * 2 * Math.PI)
  out[column++] = Math.cos((user.hour / 24) * 2 * Math.PI)
  const age = ageSymbols.indexOf(user.ageGroup)
  out[column + Math.max(0, age)] = 1
}

/** The item tower's input: category path, brand and tags hashed, price. */
export function writeTowerItem(out: Float32Array, at: number, item: TowerItem): void {
  const base = at * towerWidth
  out.fill(0, base, base + towerWidth)
  for (const name of item.category) addHashed(out, base, categoryColumns, name, 1)
  if (item.brand !== null) addHashed(out, base + categoryColumns, brandColumns, item.brand, 1)
  for (const tag of item.tags) addHashed(out, base + categoryColumns + brandColumns, tagColumns, tag, 0.5)
  const column = base + categoryColumns + brandColumns + tagColumns
  out[column] = Math.log1p(Math.max(0, item.price)) / 5
  out[column + 1] = 1
}

function addHashed(out: Float32Array, base: number, columns: number, text: string, weight: number): void {
  const hash = fnv1a32(text)
  out[base + (hash % columns)]! += hash & 0x80000000 ? -weight : weight
}
