/** Candidate sources in a fixed order: the index is the column of their scores. */
export const candidateSources = [
  'session',
  'similar',
  'together',
  'category',
  'trend',
  'popular',
  'content',
  'two_tower',
  'fresh',
  'user_knn',
  'sequence',
  'group',
  'season',
  'newcomer',
  'association',
  'sequential',
] as const
export type CandidateSourceName = (typeof candidateSources)[number]
export const sourceCount = candidateSources.length

/**
 * Candidates of one list: distinct item rows with the score each source gave, scaled so that a source's best is 1, and the
 * item or scope each source's score follows from. Columns, so that features are built in one pass.
 */
export class CandidateSet {
  readonly countMax: number
  readonly rows: Int32Array
  /** `countMax × sourceCount`, 0 = the source did not bring it. */
  readonly scores: Float32Array
  /** Same shape: the item row (or scope number of the source) the score follows from; -1 none. */
  readonly because: Int32Array
  count = 0
  readonly #places = new Map<number, number>()
  /** Whether `#places` must be made again before it is asked. */
  #moved = false

  constructor(countMax: number) {
    this.countMax = countMax
    this.rows = new Int32Array(countMax)
    this.scores = new Float32Array(countMax * sourceCount)
    this.because = new Int32Array(countMax * sourceCount).fill(-1)
  }

  /**
   * Adds a source's ranked items, best first; scores must be positive and are divided by the best. Full: what is new is left
   * out, what is there still gets its score.
   */
  addRanked(source: number, rows: Int32Array, scores: Float64Array | Float32Array, count: number, because?: Int32Array): void {
    const best = count > 0 ? scores[0]! : 0
    if (!(best > 0)) return
    for (let i = 0; i < count; i++) this.add(source, rows[i]!, scores[i]! / best, because ? because[i]! : -1)
  }

  /** Adds one item with a score in (0, 1]; a smaller or non-finite one is ignored. */
  add(source: number, row: number, score: number, because: number): void {
    if (!(score > 0)) return
    if (this.#moved) this.#findPlaces()
    let place = this.#places.get(row)
    if (place === undefined) {
      if (this.count === this.countMax) return
      place = this.count++
      this.rows[place] = row
      this.#places.set(row, place)
    }
    const at = place * sourceCount + source
    if (score <= this.scores[at]!) return
    this.scores[at] = score
    this.because[at] = because
  }

  /** Empties the set for the next list. */
  clear(): void {
    this.scores.fill(0, 0, this.count * sourceCount)
    this.because.fill(-1, 0, this.count * sourceCount)
    this.#places.clear()
    this.#moved = false
    this.count = 0
  }

  /** Keeps the candidates for which `keep` holds, in order; returns how many went. */
  retain(keep: (row: number) => boolean): number {
    const before = this.count
    let kept = 0
    for (let place = 0; place < before; place++) {
      const row = this.rows[place]!
      if (!keep(row)) continue
      if (kept !== place) {
        this.rows[kept] = row
        this.scores.copyWithin(kept * sourceCount, place * sourceCount, (place + 1) * sourceCount)
        this.because.copyWithin(kept * sourceCount, place * sourceCount, (place + 1) * sourceCount)
      }
      kept++
    }
    if (kept === before) return 0
    this.count = kept
    this.#moved = true // Few ask again after candidates were taken out.
    this.scores.fill(0, kept * sourceCount, before * sourceCount)
    this.because.fill(-1, kept * sourceCount, before * sourceCount)
    return before - kept
  }

  #findPlaces(): void {
    this.#places.clear()
    for (let place = 0; place < this.count; place++) this.#places.set(this.rows[place]!, place)
    this.#moved = false
  }
}
