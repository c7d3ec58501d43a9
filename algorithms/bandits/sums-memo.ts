/**
 * Keeps what was made of an arm's sums for as long as they stay as they are: between two decisions few arms learn, and to compare costs less
 * than to factor. Sums are known by their array; one that nobody holds any more takes what was made of it along.
 */
export class SumsMemo<T> {
  readonly #made = new WeakMap<Float64Array, { readonly sums: Float64Array; readonly setting: number; readonly value: T }>()

  /** What `make` answers for these sums and this setting, which must follow from both alone. */
  of(sums: Float64Array, setting: number, make: () => T): T {
    const known = this.#made.get(sums)
    if (known && known.setting === setting && sameNumbers(known.sums, sums)) return known.value
    const value = make()
    this.#made.set(sums, { sums: sums.slice(), setting, value })
    return value
  }
}

function sameNumbers(one: Float64Array, other: Float64Array): boolean {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}
