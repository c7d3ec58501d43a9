import { novelty } from '../algorithms/list-diversity.ts'
import { type RankingMetrics, rankingMetrics } from '../algorithms/ranking-metrics.ts'
import type { RankedList } from './recommender.ts'

/** What was asked and what would have been right. */
export interface Question {
  /** Right for MRR and HR. */
  readonly next: ReadonlySet<number>
  /** Right for P, R, NDCG and MAP. */
  readonly relevant: ReadonlySet<number>
  /** The session or user, for the bootstrap. */
  readonly cluster: number
  readonly timeMs: number
  readonly history: Int32Array
  /** Whether the list is kept for the measures that look at whole lists. */
  readonly sampled: boolean
}

/** A list that was kept, with what the measures of variety need. */
export interface SampledList {
  readonly items: Int32Array
  readonly history: Int32Array
  /** Per item of the list 1 if it was right. */
  readonly relevance: Uint8Array
}

/** Measures of which sums per cluster are kept, so that two algorithms can be compared in pairs. */
export const pairedMeasures = ['MRR', 'HR', 'NDCG'] as const
export type PairedMeasure = (typeof pairedMeasures)[number]

/** Newest items of a history that are kept with a sampled list. */
const historyMax = 50

/** Names of the measures of lists and where they come from; the first two look at the next item only. */
const listMeasures: readonly (readonly [string, keyof RankingMetrics])[] = [
  ['MRR', 'reciprocalRank'],
  ['HR', 'hitRate'],
  ['NDCG', 'ndcg'],
  ['MAP', 'averagePrecision'],
  ['P', 'precision'],
  ['R', 'recall'],
]

/** Sums over the answers of one algorithm; bounded by clusters, items, sampled lists and one number per question. */
export class ContestantTally {
  readonly samples: SampledList[] = []
  /** Per list length and measure the sum over all questions. */
  readonly #sums: Float64Array
  readonly #ks: readonly number[]
  /** Per paired measure at the first k the sum of each cluster; and the number of questions of each cluster. */
  readonly clusterSums: readonly Float64Array[]
  readonly clusterCounts: Int32Array
  readonly #shown: Int32Array
  readonly #counts: Float64Array
  #events = 0
  #novelty = 0
  #lift = 0
  #lifted = 0
  #lists = 0
  #questions = 0
  #latencies = new Float32Array(1024)
  #squares = 0
  #absolutes = 0
  #predictions = 0
  readonly #curveMs: number
  /** Per step of the curve: questions, sum of MRR, sum of HR at the first k. */
  readonly curve = new Map<number, Float64Array>()

  constructor(options: { ks: readonly number[]; clusters: number; items: number; curveMs: number }) {
    this.#ks = options.ks
    this.#curveMs = options.curveMs
    this.#sums = new Float64Array(options.ks.length * listMeasures.length)
    this.clusterSums = pairedMeasures.map(() => new Float64Array(options.clusters))
    this.clusterCounts = new Int32Array(options.clusters)
    this.#shown = new Int32Array(options.items)
    this.#counts = new Float64Array(options.items)
  }

  /** An event was learned by everybody. */
  learned(item: number): void {
    this.#counts[item]!++
    this.#events++
  }

  /** One answer, and how long it took. */
  take(question: Question, list: RankedList, micros: number): void {
    this.#note(micros)
    const all = list.items.subarray(0, list.count)
    const same = question.next === question.relevant
    this.#ks.forEach((k, at) => {
      const whole = rankingMetrics(all, question.relevant, k)!
      const next = same ? whole : rankingMetrics(all, question.next, k)!
      for (let m = 0; m < listMeasures.length; m++)
        this.#sums[at * listMeasures.length + m]! += (m < 2 ? next : whole)[listMeasures[m]![1]]
      if (at === 0) this.#pair(question, next, whole)
    })
    this.#vary(question, all.subarray(0, this.#ks[0]))
  }

  /** A predicted and a true rating. */
  predicted(prediction: number, rating: number): void {
    this.#predictions++
    this.#squares += (prediction - rating) ** 2
    this.#absolutes += Math.abs(prediction - rating)
  }

  /** Means over all questions, by name (`MRR@20`), and of predictions where there were any. */
  metrics(): Record<string, number> {
    const means: Record<string, number> = {}
    this.#ks.forEach((k, at) => {
      listMeasures.forEach(([name], m) => {
        means[`${name}@${k}`] = this.#sums[at * listMeasures.length + m]! / Math.max(1, this.#questions)
      })
    })
    const k = this.#ks[0]!
    means[`coverage@${k}`] = this.#coverage()
    means[`novelty@${k}`] = this.#novelty / Math.max(1, this.#lists)
    means[`popularityLift@${k}`] = this.#lift / Math.max(1, this.#lifted)
    means[`gini@${k}`] = this.#gini()
    if (this.#predictions > 0) {
      means['RMSE'] = Math.sqrt(this.#squares / this.#predictions)
      means['MAE'] = this.#absolutes / this.#predictions
    }
    return means
  }

  /** Microseconds of one `recommend` at the median and the 99th percentile; 0 without questions. */
  latencyMicros(): { p50: number; p99: number } {
    const sorted = this.#latencies.slice(0, this.#questions).sort()
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    return { p50: at(0.5), p99: at(0.99) }
  }

  #note(micros: number): void {
    if (this.#questions === this.#latencies.length) {
      const wider = new Float32Array(this.#questions * 2)
      wider.set(this.#latencies)
      this.#latencies = wider
    }
    this.#latencies[this.#questions++] = micros
  }

  #pair({ cluster, timeMs }: Question, next: RankingMetrics, whole: RankingMetrics): void {
    this.clusterCounts[cluster]!++
    this.clusterSums[0]![cluster]! += next.reciprocalRank
    this.clusterSums[1]![cluster]! += next.hitRate
    this.clusterSums[2]![cluster]! += whole.ndcg
    if (this.#curveMs === 0) return
    const step = Math.floor(timeMs / this.#curveMs)
    let sums = this.curve.get(step)
    if (sums === undefined) {
      sums = new Float64Array(3)
      this.curve.set(step, sums)
    }
    sums[0]!++
    sums[1]! += next.reciprocalRank
    sums[2]! += next.hitRate
  }

  #vary({ relevant, history, sampled }: Question, list: Int32Array): void {
    for (const item of list) this.#shown[item]!++
    // An item without any event counts as one seen once: its share is not known, only that it is small.
    const bits = novelty(list, (item) => Math.max(1, this.#counts[item]!) / Math.max(1, this.#events))
    if (bits !== null) {
      this.#novelty += bits
      this.#lists++
      const usual = this.#meanCount(history)
      if (usual > 0) {
        this.#lift += this.#meanCount(list) / usual - 1
        this.#lifted++
      }
    }
    if (!sampled) return
    this.samples.push({
      items: list.slice(),
      history: history.slice(-historyMax),
      relevance: Uint8Array.from(list, (item) => (relevant.has(item) ? 1 : 0)),
    })
  }

  #meanCount(items: Int32Array): number {
    let sum = 0
    for (const item of items) sum += this.#counts[item]!
    return items.length === 0 ? 0 : sum / items.length
  }

  /** Distinct items in all lists over the items that anybody has touched. */
  #coverage(): number {
    let shown = 0
    let known = 0
    for (let item = 0; item < this.#shown.length; item++) {
      if (this.#shown[item]! > 0) shown++
      if (this.#counts[item]! > 0) known++
    }
    return known === 0 ? 0 : shown / known
  }

  /** Gini coefficient of how often each known item was shown: 0 = all alike, 1 = only one. */
  #gini(): number {
    const shown = this.#shown.filter((_, item) => this.#counts[item]! > 0).sort()
    let weighted = 0
    let total = 0
    shown.forEach((count, n) => {
      weighted += (2 * (n + 1) - shown.length - 1) * count
      total += count
    })
    return total === 0 ? 0 : weighted / (shown.length * total)
  }
}
