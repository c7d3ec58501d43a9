import { createRandom } from '../core/random.ts'
import { sampleNormal } from './sample.ts'
import type { SparseRows } from './sparse-rows.ts'

/** Settings of `BiasedMf`. */
export interface BiasedMfOptions {
  readonly userCount: number
  readonly itemCount: number
  /** Length of a vector. Default 100. */
  readonly factors?: number
  /** Step of gradient descent. Default 0.01. */
  readonly learningRate?: number
  /** λ on biases, vectors and attribute weights. Default 0.1. */
  readonly regularisation?: number
  /** Standard deviation of the first vectors. Default 0.1. */
  readonly spread?: number
  readonly seed?: string | number
  /** Users × user attributes (ages, jobs): each item learns a weight for each. Let a row add up to about 0.3: more overfits. */
  readonly userAttributes?: SparseRows
  /** Items × item attributes (genres, brands), likewise: each user learns a weight for each. */
  readonly itemAttributes?: SparseRows
}

/** One rating of one item by one user. */
export interface Rating {
  readonly user: number
  readonly item: number
  readonly value: number
}

/**
 * Biased matrix factorisation of ratings by stochastic gradient descent (Koren, Bell & Volinsky, "Matrix Factorization
 * Techniques for Recommender Systems", IEEE Computer 2009), with side information as features.md F3.12 has it:
 * r̂ = μ + b_u + b_i + u·v + x_u·Y_i + z_i·W_u, user attributes x with item weights Y, item attributes z with user weights W.
 * `learn` takes one rating, so the model also follows a stream.
 */
export class BiasedMf {
  readonly #factors: number
  readonly #rate: number
  readonly #regularisation: number
  readonly #userBias: Float64Array
  readonly #itemBias: Float64Array
  readonly #userVectors: Float64Array
  readonly #itemVectors: Float64Array
  readonly #userSide: Side | null
  readonly #itemSide: Side | null
  #ratingSum = 0
  #ratingCount = 0

  constructor(options: BiasedMfOptions) {
    const { userCount, itemCount, factors = 100, learningRate = 0.01, regularisation = 0.1, spread = 0.1, seed = 1 } = options
    this.#factors = factors
    this.#rate = learningRate
    this.#regularisation = regularisation
    this.#userBias = new Float64Array(userCount)
    this.#itemBias = new Float64Array(itemCount)
    this.#userVectors = normals(`users ${seed}`, userCount * factors, spread)
    this.#itemVectors = normals(`items ${seed}`, itemCount * factors, spread)
    this.#userSide = options.userAttributes ? new Side(options.userAttributes, itemCount) : null
    this.#itemSide = options.itemAttributes ? new Side(options.itemAttributes, userCount) : null
  }

  /** Counts ratings into the mean μ; do this for all of a training set before the first `epoch`. */
  count(ratings: readonly Rating[]): void {
    for (const { value } of ratings) this.#ratingSum += value
    this.#ratingCount += ratings.length
  }

  /** μ, the mean of all ratings counted; 0 before any. */
  get mean(): number {
    return this.#ratingCount > 0 ? this.#ratingSum / this.#ratingCount : 0
  }

  /** The rating expected of `user` for `item`; clamp it to the scale of the ratings. */
  predict(user: number, item: number): number {
    const [u, v] = [user * this.#factors, item * this.#factors]
    let sum = this.mean + this.#userBias[user]! + this.#itemBias[item]!
    sum += innerProduct(this.#userVectors, u, this.#itemVectors, v, this.#factors)
    if (this.#userSide) sum += this.#userSide.value(user, item)
    if (this.#itemSide) sum += this.#itemSide.value(item, user)
    return sum
  }

  /** One gradient step on one rating; returns the error before it (rating − expected). */
  learn({ user, item, value }: Rating): number {
    const rate = this.#rate
    const decay = this.#regularisation
    const error = value - this.predict(user, item)
    this.#userBias[user]! += rate * (error - decay * this.#userBias[user]!)
    this.#itemBias[item]! += rate * (error - decay * this.#itemBias[item]!)
    const users = this.#userVectors
    const items = this.#itemVectors
    for (let f = 0, u = user * this.#factors, v = item * this.#factors; f < this.#factors; f++, u++, v++) {
      const p = users[u]!
      const q = items[v]!
      users[u] = p + rate * (error * q - decay * p)
      items[v] = q + rate * (error * p - decay * q)
    }
    this.#userSide?.learn(user, item, error, rate, decay)
    this.#itemSide?.learn(item, user, error, rate, decay)
    return error
  }

  /** Learns every rating once, in the order given; returns the root mean squared error met on the way. */
  epoch(ratings: readonly Rating[]): number {
    let squares = 0
    for (const rating of ratings) squares += this.learn(rating) ** 2
    return Math.sqrt(squares / Math.max(1, ratings.length))
  }
}

/** Each side draws from its own seed: one more user changes no item's first vector. */
function normals(seed: string, length: number, spread: number): Float64Array {
  const random = createRandom(seed)
  return new Float64Array(length).map(() => spread * sampleNormal(random))
}

/** Weights of one side's attributes for each of the other side: x_owner · weights_other. */
class Side {
  readonly #attributes: SparseRows
  readonly #weights: Float64Array

  constructor(attributes: SparseRows, others: number) {
    this.#attributes = attributes
    this.#weights = new Float64Array(others * attributes.columnCount)
  }

  value(owner: number, other: number): number {
    const { starts, columns, values, columnCount } = this.#attributes
    let sum = 0
    for (let at = starts[owner]!; at < starts[owner + 1]!; at++)
      sum += values[at]! * this.#weights[other * columnCount + columns[at]!]!
    return sum
  }

  learn(owner: number, other: number, error: number, rate: number, decay: number): void {
    const { starts, columns, values, columnCount } = this.#attributes
    for (let at = starts[owner]!; at < starts[owner + 1]!; at++) {
      const place = other * columnCount + columns[at]!
      this.#weights[place]! += rate * (error * values[at]! - decay * this.#weights[place]!)
    }
  }
}

/** Two sums side by side, so that one addition need not wait for the other. */
function innerProduct(a: Float64Array, aFrom: number, b: Float64Array, bFrom: number, length: number): number {
  let even = 0
  let odd = 0
  let n = 0
  for (; n + 1 < length; n += 2) {
    even += a[aFrom + n]! * b[bFrom + n]!
    odd += a[aFrom + n + 1]! * b[bFrom + n + 1]!
  }
  return n < length ? even + odd + a[aFrom + n]! * b[bFrom + n]! : even + odd
}
