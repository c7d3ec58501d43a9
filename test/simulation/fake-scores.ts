import { embeddingWidth } from '../../algorithms/catalogue.ts'
import type { Scored } from '../../ports/scorer.ts'

/** What the workers of the simulation answer: each row's first feature, as often as the output is wide. */
export function fakeScores(features: Float32Array, rows: number, outputs: readonly string[]): Scored {
  const width = features.length / Math.max(1, rows)
  const arrays = outputs.map((name) => {
    const size = name === 'embedding' ? embeddingWidth : 1
    return Float32Array.from({ length: rows * size }, (_, at) => features[Math.floor(at / size) * width]!)
  })
  return { outputs: arrays, version: '1' }
}
