import { expect, it } from 'vitest'
import { xquad } from '../../algorithms/xquad.ts'
import { createRandom } from '../../core/random.ts'

it('xquad serves a small interest before it serves a large one twice', () => {
  // Worked by hand: λ .5. First: .5·1 + .5·.7 = .85 (row 0). Then row 1: .45 + .5·.7·0 = .45, row 2: .4 + .5·.3·1 = .55.
  const aspects = { wanted: Float64Array.of(0.7, 0.3), served: Float64Array.of(1, 0, 1, 0, 0, 1) }
  const relevance = Float64Array.of(1, 0.9, 0.8)
  expect([...xquad(relevance, aspects, { count: 3, scaled: false })]).toEqual([0, 2, 1])
  expect([...xquad(relevance, aspects, { count: 3, lambda: 0, scaled: false })]).toEqual([0, 1, 2])
  expect([...xquad(relevance, aspects, { count: 2 })]).toEqual([0, 1]) // Scaled, row 2 has relevance 0: .15 < .25.
})

it('xquad equals the formula taken literally', () => {
  const random = createRandom('xquad')
  for (let trial = 0; trial < 20; trial++) {
    const size = 9
    const relevance = Float64Array.from({ length: size }, () => random.next())
    const raw = Array.from({ length: 4 }, () => random.next())
    const sum = raw.reduce((a, b) => a + b)
    const wanted = Float64Array.from(raw, (value) => value / sum)
    const served = Float64Array.from({ length: size * 4 }, () => (random.next() < 0.5 ? random.next() : 0))
    const lambda = random.next()
    const chosen: number[] = []
    while (chosen.length < 6) {
      const values = Array.from(relevance, (rel, row) => {
        if (chosen.includes(row)) return Number.NEGATIVE_INFINITY
        const novelty = [0, 1, 2, 3].map((a) =>
          chosen.reduce((left, j) => left * (1 - served[j * 4 + a]!), wanted[a]! * served[row * 4 + a]!),
        )
        return (1 - lambda) * rel + lambda * novelty.reduce((a, b) => a + b)
      })
      chosen.push(values.indexOf(Math.max(...values)))
    }
    expect([...xquad(relevance, { wanted, served }, { count: 6, lambda, scaled: false })]).toEqual(chosen)
  }
})

it('xquad refuses a matrix of another size', () => {
  const aspects = { wanted: Float64Array.of(1), served: Float64Array.of(1) }
  expect(() => xquad(Float64Array.of(1, 2), aspects, { count: 1 })).toThrow('served')
  expect(() => xquad(Float64Array.of(1), aspects, { count: 1, lambda: 2 })).toThrow('lambda')
})
