import type { RelatedRows } from './catalogue.ts'

/** Chance of going back to where the walk began, per step. */
const restart = 0.15
const hops = 2

/**
 * Personalised PageRank over item neighbours (features.md F2.19), two hops from a person's items: p₀ = seeds, p_{n+1} = r · seeds +
 * (1 − r) · Σ p_n(i) · w_ij / Σ_j w_ij with restart r = .15; the walk from an item without neighbours goes back to the seeds. Jeh, Widom:
 * Scaling personalized web search, WWW 2003.
 */
export class PageRank {
  #now = new Float64Array(1024)
  #next = new Float64Array(1024)
  #visited: number[] = []

  /**
   * Walks from `seeds` (rows, each once, weights ≥ 0 of any sum); then `of` answers. `rowsMax` is above every row.
   */
  walk(seeds: Int32Array, weights: ArrayLike<number>, rowsMax: number, neighboursOf: (row: number) => RelatedRows): void {
    this.#clear(rowsMax)
    let total = 0
    for (let at = 0; at < seeds.length; at++) total += weights[at]!
    if (total <= 0) return
    for (let at = 0; at < seeds.length; at++) this.#add(seeds[at]!, weights[at]! / total)
    this.#swap()
    for (let hop = 0; hop < hops; hop++) {
      let home = 0
      const from = this.#visited
      this.#visited = []
      for (const row of from) {
        const mass = this.#now[row]!
        this.#now[row] = 0
        home += mass * this.#spread(mass, neighboursOf(row))
      }
      for (let at = 0; at < seeds.length; at++) this.#add(seeds[at]!, (home * weights[at]!) / total)
      this.#swap()
    }
  }

  /** The share of walks that end at `row`; all of them sum to 1 after a walk with seeds. */
  of(row: number): number {
    return this.#now[row] ?? 0
  }

  /** Hands a row's mass on; answers the share of it that goes home. */
  #spread(mass: number, { rows, weights }: RelatedRows): number {
    let sum = 0
    for (let at = 0; at < rows.length; at++) sum += weights[at]!
    if (sum <= 0) return 1
    const share = ((1 - restart) * mass) / sum
    for (let at = 0; at < rows.length; at++) this.#add(rows[at]!, share * weights[at]!)
    return restart
  }

  #add(row: number, mass: number): void {
    if (mass <= 0) return
    if (this.#next[row] === 0) this.#visited.push(row)
    this.#next[row]! += mass
  }

  #swap(): void {
    const next = this.#now
    this.#now = this.#next
    this.#next = next
  }

  #clear(rowsMax: number): void {
    for (const row of this.#visited) this.#now[row] = 0
    this.#visited = []
    if (this.#now.length >= rowsMax) return
    this.#now = new Float64Array(2 * rowsMax)
    this.#next = new Float64Array(2 * rowsMax)
  }
}
