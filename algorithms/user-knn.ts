import { insertBest, type TopK } from './top-k.ts'

/** Settings of `UserKnn`. */
export interface UserKnnOptions {
  /** Nearest users that vote. Default 10. */
  readonly neighbours?: number
  /** `centred` compares ratings less each user's mean; the others compare what was touched. Default cosine. */
  readonly measure?: 'cosine' | 'jaccard' | 'centred'
  /** λ ≥ 0 added to the norm: a few common items count less. Default 0. */
  readonly shrinkage?: number
  /** Users remembered of one item, the newest. Default 5,000. */
  readonly usersPerItemMax?: number
  /** Items remembered of one user, the newest. Default 1,000. */
  readonly itemsPerUserMax?: number
}

interface User {
  /** Item → rating, newest last. */
  readonly ratings: Map<number, number>
  sum: number
  squares: number
}

/** What two users have in common: count, Σ own, Σ other, Σ own · other. */
type Overlap = [count: number, own: number, other: number, product: number]

/**
 * User-based collaborative filtering (Herlocker et al., "An Algorithmic Framework for Performing Collaborative Filtering",
 * SIGIR 1999). Each event changes its user's sums and the item's list of users; neighbours are found through those lists when
 * asked for, so they are always those of all events so far.
 */
export class UserKnn {
  readonly #users = new Map<number, User>()
  /** Item → users that hold it, newest last. */
  readonly #holders = new Map<number, Set<number>>()
  readonly #neighbours: number
  readonly #measure: 'cosine' | 'jaccard' | 'centred'
  readonly #shrinkage: number
  readonly #usersPerItemMax: number
  readonly #itemsPerUserMax: number

  constructor(options: UserKnnOptions = {}) {
    this.#neighbours = options.neighbours ?? 10
    this.#measure = options.measure ?? 'cosine'
    this.#shrinkage = options.shrinkage ?? 0
    this.#usersPerItemMax = options.usersPerItemMax ?? 5000
    this.#itemsPerUserMax = options.itemsPerUserMax ?? 1000
  }

  /** Takes one event; a newer rating of the same item replaces the older. `rating` matters to `centred` and `predict` only. */
  observe(userId: number, item: number, rating = 1): void {
    let user = this.#users.get(userId)
    if (user === undefined) {
      user = { ratings: new Map(), sum: 0, squares: 0 }
      this.#users.set(userId, user)
    }
    this.#drop(userId, user, item)
    if (user.ratings.size >= this.#itemsPerUserMax) this.#drop(userId, user, user.ratings.keys().next().value!)
    user.ratings.set(item, rating)
    user.sum += rating
    user.squares += rating * rating
    let holders = this.#holders.get(item)
    if (holders === undefined) {
      holders = new Set()
      this.#holders.set(item, holders)
    }
    holders.add(userId)
    if (holders.size > this.#usersPerItemMax) holders.delete(holders.values().next().value!)
  }

  /** The nearest other users with similarity above 0, best first, ties by lower number. */
  neighboursOf(userId: number): TopK {
    const indices = new Int32Array(this.#neighbours)
    const scores = new Float64Array(this.#neighbours)
    let filled = 0
    for (const [other, similarity] of this.#similarities(userId))
      if (similarity > 0) filled = insertBest(indices, scores, filled, other, similarity)
    return { indices: indices.subarray(0, filled), scores: scores.subarray(0, filled) }
  }

  /** Writes Σ similarity over the nearest users that hold an item into `scores`; the user's own items score too. */
  scores(userId: number, scores: Float64Array): void {
    scores.fill(0)
    const { indices, scores: similarities } = this.neighboursOf(userId)
    for (let n = 0; n < indices.length; n++)
      for (const item of this.#users.get(indices[n]!)!.ratings.keys()) scores[item]! += similarities[n]!
  }

  /**
   * The rating expected: mean + Σ sim · (r − mean of the other) / Σ |sim| over the `neighbours` nearest users that rated the
   * item; the user's mean without any, null for a user without ratings.
   */
  predict(userId: number, item: number): number | null {
    const user = this.#users.get(userId)
    if (user === undefined || user.ratings.size === 0) return null
    const indices = new Int32Array(this.#neighbours)
    const near = new Float64Array(this.#neighbours)
    let filled = 0
    const holders = this.#holders.get(item)
    if (holders)
      for (const [other, similarity] of this.#similarities(userId))
        if (similarity > 0 && holders.has(other)) filled = insertBest(indices, near, filled, other, similarity)
    let sum = 0
    let total = 0
    for (let n = 0; n < filled; n++) {
      const other = this.#users.get(indices[n]!)!
      sum += near[n]! * (other.ratings.get(item)! - other.sum / other.ratings.size)
      total += near[n]!
    }
    return user.sum / user.ratings.size + (total > 0 ? sum / total : 0)
  }

  #similarities(userId: number): Map<number, number> {
    const user = this.#users.get(userId)
    const overlaps = new Map<number, Overlap>()
    if (user === undefined) return new Map()
    for (const [item, rating] of user.ratings)
      for (const other of this.#holders.get(item)!) {
        if (other === userId) continue
        const theirs = this.#users.get(other)!.ratings.get(item)!
        const overlap = overlaps.get(other)
        if (overlap === undefined) overlaps.set(other, [1, rating, theirs, rating * theirs])
        else {
          overlap[0]++
          overlap[1] += rating
          overlap[2] += theirs
          overlap[3] += rating * theirs
        }
      }
    const similarities = new Map<number, number>()
    for (const [other, overlap] of overlaps) similarities.set(other, this.#similarity(user, this.#users.get(other)!, overlap))
    return similarities
  }

  #similarity(a: User, b: User, [count, own, other, product]: Overlap): number {
    const [sizeA, sizeB] = [a.ratings.size, b.ratings.size]
    if (this.#measure === 'jaccard') return count / (sizeA + sizeB - count + this.#shrinkage)
    if (this.#measure === 'cosine') return count / (Math.sqrt(sizeA * sizeB) + this.#shrinkage)
    const [meanA, meanB] = [a.sum / sizeA, b.sum / sizeB]
    const centred = product - meanA * other - meanB * own + count * meanA * meanB
    const norm = Math.sqrt(spread(a) * spread(b)) + this.#shrinkage
    return norm > 0 ? centred / norm : 0
  }

  #drop(userId: number, user: User, item: number): void {
    const rating = user.ratings.get(item)
    if (rating === undefined) return
    user.ratings.delete(item)
    user.sum -= rating
    user.squares -= rating * rating
    this.#holders.get(item)!.delete(userId)
  }
}

/** Σ (r − mean)² of a user's ratings. */
function spread({ ratings, sum, squares }: User): number {
  return Math.max(0, squares - (sum * sum) / ratings.size)
}
