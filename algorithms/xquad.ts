import { invariant } from '../core/invariant.ts'
import { minMaxScaled } from './mmr.ts'

/** What a person wants, and what each row gives of it. */
export interface XquadAspects {
  /** P(a|u): how much the person wants each aspect (a category, a taste), summing to 1. */
  readonly wanted: Float64Array
  /** P(i|a), `rows × wanted.length`, row-major, 0–1: how well a row serves an aspect. */
  readonly served: Float64Array
}

/**
 * xQuAD (Santos, Macdonald, Ounis, WWW 2010): takes rows one by one, each time the one with the largest
 * (1 − λ) · relevance + λ · Σ_a P(a|u) · P(i|a) · Π_{j taken} (1 − P(j|a)): an aspect that is served counts no more, so even a
 * small interest gets its place. Relevance is scaled to 0–1 (min–max) unless `scaled` is false. Ties go to the lower row.
 * O(count · n · aspects). `lambda` 0–1 (.5).
 */
export function xquad(
  relevance: Float64Array | Float32Array,
  { wanted, served }: XquadAspects,
  options: { readonly count: number; readonly lambda?: number; readonly scaled?: boolean },
): Int32Array {
  const { lambda = 0.5, scaled = true } = options
  const size = relevance.length
  const aspects = wanted.length
  invariant(lambda >= 0 && lambda <= 1, 'xquad: lambda must lie in [0, 1]')
  invariant(served.length === size * aspects, 'xquad: served must have one row of aspects per row')
  const base = scaled ? minMaxScaled(relevance) : relevance
  const open = Float64Array.from(wanted)
  const isTaken = new Uint8Array(size)
  const chosen = new Int32Array(Math.max(0, Math.min(options.count, size)))
  for (let n = 0; n < chosen.length; n++) {
    let best = -1
    let bestValue = Number.NEGATIVE_INFINITY
    for (let i = 0; i < size; i++) {
      if (isTaken[i] === 1) continue
      let novelty = 0
      for (let a = 0; a < aspects; a++) novelty += open[a]! * served[i * aspects + a]!
      const value = (1 - lambda) * base[i]! + lambda * novelty
      if (best >= 0 && !(value > bestValue)) continue
      best = i
      bestValue = value
    }
    chosen[n] = best
    isTaken[best] = 1
    for (let a = 0; a < aspects; a++) open[a]! *= 1 - served[best * aspects + a]!
  }
  return chosen
}
