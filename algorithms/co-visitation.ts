/**
 * An item's companions with decayed counts c_ij. Weights are kept at one landmark for the whole list (see `DecayedSum`), so
 * their order never changes by time passing alone: a list needs no upkeep while nothing happens.
 */
export interface NeighbourList {
  /** Companion ids, heaviest first, ties by id ascending. */
  items: string[]
  /** Decayed weight of each at `referenceMs`, ≥ 0. */
  weights: number[]
  /** The landmark, a whole number of half-lives since the epoch; 0 while empty. */
  referenceMs: number
}

/** Half-life and bound of a `NeighbourList`; the same for every call on one list. */
export interface NeighbourListOptions {
  /** Default 30 days. */
  readonly halfLifeMs?: number
  /** Companions kept. Default 50. */
  readonly neighboursMax?: number
  /** Whether weights are 32-bit floats, which take less room where they are stored. Default false. */
  readonly singlePrecision?: boolean
}

const thirtyDaysMs = 30 * 24 * 3_600_000

/** A list without companions. */
export function emptyNeighbourList(): NeighbourList {
  return { items: [], weights: [], referenceMs: 0 }
}

/**
 * Counts `weight` > 0 for companion `item` at `timeMs` (any order), in place. In a full list a newcomer takes the place of the
 * lightest companion (on equal weights: of the largest id) only if it then ranks before it; otherwise it is forgotten. The
 * caller keeps an item from becoming its own companion.
 */
export function addNeighbour(
  list: NeighbourList,
  item: string,
  weight: number,
  timeMs: number,
  options: NeighbourListOptions = {},
): void {
  const { halfLifeMs = thirtyDaysMs, neighboursMax = 50, singlePrecision = false } = options
  const landmarkMs = Math.floor(timeMs / halfLifeMs) * halfLifeMs
  if (list.items.length === 0) list.referenceMs = landmarkMs
  else if (landmarkMs > list.referenceMs) rebase(list, landmarkMs, halfLifeMs, singlePrecision)
  const behind = Math.round((landmarkMs - list.referenceMs) / halfLifeMs)
  const added = weight * 2 ** ((timeMs - landmarkMs) / halfLifeMs) * 2 ** behind
  let at = list.items.indexOf(item)
  const sum = at < 0 ? added : list.weights[at]! + added
  const total = singlePrecision ? Math.fround(sum) : sum
  if (at < 0) {
    if (list.items.length < neighboursMax) at = list.items.length
    else if (ranksBefore(total, item, list, neighboursMax - 1)) at = neighboursMax - 1
    else return
  }
  while (at > 0 && ranksBefore(total, item, list, at - 1)) {
    list.items[at] = list.items[at - 1]!
    list.weights[at] = list.weights[at - 1]!
    at--
  }
  list.items[at] = item
  list.weights[at] = total
}

/** The decayed count of companion number `at` at `nowMs`; see `addNeighbour` for the half-life. */
export function neighbourWeightAt(list: NeighbourList, at: number, nowMs: number, halfLifeMs: number = thirtyDaysMs): number {
  return (list.weights[at] ?? 0) * 2 ** ((list.referenceMs - nowMs) / halfLifeMs)
}

/** Forgets companion `item` (withdrawn, or a person was erased); true if it was there. */
export function removeNeighbour(list: NeighbourList, item: string): boolean {
  const at = list.items.indexOf(item)
  if (at < 0) return false
  list.items.splice(at, 1)
  list.weights.splice(at, 1)
  return true
}

/**
 * Similarity of two items seen together `together` times and `countA`, `countB` times each, all decayed to one moment:
 * c_ij / √((c_i + s)(c_j + s)), shrunk towards 0 by s = 20 while evidence is thin (features.md F3.8). 0 for two unseen items.
 */
export function shrunkCosine(together: number, countA: number, countB: number, shrinkage = 20): number {
  const norm = Math.sqrt((countA + shrinkage) * (countB + shrinkage))
  return norm > 0 ? together / norm : 0
}

/** Jaccard similarity of the same counts: c_ij / (c_i + c_j − c_ij); 0 for two unseen items. */
export function countJaccard(together: number, countA: number, countB: number): number {
  const union = countA + countB - together
  return union > 0 ? together / union : 0
}

function ranksBefore(weight: number, item: string, list: NeighbourList, at: number): boolean {
  const other = list.weights[at]!
  return weight > other || (weight === other && item < list.items[at]!)
}

function rebase(list: NeighbourList, landmarkMs: number, halfLifeMs: number, singlePrecision: boolean): void {
  const factor = 2 ** Math.round((list.referenceMs - landmarkMs) / halfLifeMs)
  for (let i = 0; i < list.weights.length; i++) {
    const weight = list.weights[i]! * factor
    list.weights[i] = singlePrecision ? Math.fround(weight) : weight
  }
  list.referenceMs = landmarkMs
}
