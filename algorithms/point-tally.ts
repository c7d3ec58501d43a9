/** Merged candidates, most points first, ties by lower item. */
export interface TalliedItems {
  readonly items: Int32Array
  readonly points: Float64Array
  /** For each item the source that gave it most points (the first of equals): the honest reason for it. */
  readonly mainSource: Int32Array
}

/** Points that several sources give to items, added up: what merging by places and merging by scores have in common. */
export class PointTally {
  readonly #byItem = new Map<number, { points: number; most: number; source: number }>()

  add(item: number, points: number, source: number): void {
    const known = this.#byItem.get(item)
    if (known === undefined) {
      this.#byItem.set(item, { points, most: points, source })
      return
    }
    known.points += points
    if (points <= known.most) return
    known.most = points
    known.source = source
  }

  /** The first `count` items. */
  ranked(count: number): TalliedItems {
    const merged = [...this.#byItem].sort(([a, x], [b, y]) => y.points - x.points || a - b).slice(0, count)
    return {
      items: Int32Array.from(merged, ([item]) => item),
      points: Float64Array.from(merged, ([, { points }]) => points),
      mainSource: Int32Array.from(merged, ([, { source }]) => source),
    }
  }
}
