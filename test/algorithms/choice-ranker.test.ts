import { describe, expect, it } from 'vitest'
import { ChoiceRanker } from '../../algorithms/choice-ranker.ts'
import { FtrlProximal } from '../../algorithms/ftrl-proximal.ts'
import { createRandom } from '../../core/random.ts'

const width = 3

/** −ln of the chance of the chosen rows, averaged over them: the loss whose gradient is learned. */
function lossOf(weights: ArrayLike<number>, rows: readonly (readonly number[])[], chosen: readonly number[]): number {
  const scores = rows.map((row) => row.reduce((sum, value, at) => sum + value * weights[at]!, 0))
  const whole = scores.reduce((sum, score) => sum + Math.exp(score), 0)
  return chosen.reduce((sum, row) => sum - Math.log(Math.exp(scores[row]!) / whole), 0) / chosen.length
}

/** The same gradient by differences. */
function slowGradient(weights: Float64Array, rows: readonly (readonly number[])[], chosen: readonly number[]): Float64Array {
  const step = 1e-5
  return weights.map((_, at) => {
    const moved = (by: number) =>
      lossOf(
        weights.map((weight, n) => (n === at ? weight + by : weight)),
        rows,
        chosen,
      )
    return (moved(step) - moved(-step)) / (2 * step)
  })
}

const random = createRandom('choices')
/** Questions whose answer follows weights (2, −1, 0) with noise. */
const questions = Array.from({ length: 400 }, () => {
  const rows = Array.from({ length: 2 + random.below(6) }, () => Array.from({ length: width }, () => Math.fround(random.next())))
  const scores = rows.map((row) => 2 * row[0]! - row[1]! - Math.log(-Math.log(random.next() + 1e-12)))
  return { rows, chosen: scores.indexOf(Math.max(...scores)) }
})

const flat = (rows: readonly (readonly number[])[]) => Float32Array.from(rows.flat())
const marks = (count: number, chosen: readonly number[]) =>
  Uint8Array.from({ length: count }, (_, n) => (chosen.includes(n) ? 1 : 0))

describe('the choice ranker', () => {
  it('steps as FTRL does on the gradient of its loss, several chosen included', () => {
    const ranker = new ChoiceRanker(width, { alpha: 0.5 })
    const slow = new FtrlProximal(width, { alpha: 0.5 })
    for (const { rows, chosen } of questions.slice(0, 60)) {
      const both = [...new Set([chosen, 0])]
      slow.step(slowGradient(slow.weights, rows, both))
      ranker.learn(flat(rows), rows.length, marks(rows.length, both))
    }
    for (let at = 0; at < width; at++) expect(ranker.weights[at]).toBeCloseTo(slow.weights[at]!, 5)
  })

  it('finds the weights that people chose by', () => {
    const ranker = new ChoiceRanker(width, { alpha: 0.5 })
    for (let pass = 0; pass < 20; pass++)
      for (const { rows, chosen } of questions) ranker.learn(flat(rows), rows.length, marks(rows.length, [chosen]))
    const [first, second, third] = ranker.weights
    expect(Math.abs(first! - 2)).toBeLessThan(0.5)
    expect(Math.abs(second! + 1)).toBeLessThan(0.5)
    expect(Math.abs(third!)).toBeLessThan(0.5)
    const scores = new Float64Array(2)
    ranker.scores(Float32Array.of(1, 0, 0, 0, 1, 0), 2, scores)
    expect([...scores]).toEqual([first, second])
  })

  it('learns nothing where nothing was chosen, and no score is too large', () => {
    const ranker = new ChoiceRanker(1, { alpha: 1000 })
    ranker.learn(Float32Array.of(1, 0), 2, Uint8Array.of(0, 0))
    expect(ranker.weights[0]).toBe(0)
    for (let n = 0; n < 200; n++) ranker.learn(Float32Array.of(1000, -1000), 2, Uint8Array.of(1, 0))
    expect(Number.isFinite(ranker.weights[0]!)).toBe(true)
  })
})
