import { expect, it } from 'vitest'
import { CandidateSet } from '../../algorithms/candidate-set.ts'
import type { CandidateUser } from '../../algorithms/candidates/candidate-source.ts'
import { twoTowerCandidates } from '../../algorithms/candidates/two-tower-candidates.ts'
import { Catalogue, embeddingWidth } from '../../algorithms/catalogue.ts'
import { normalizeRows } from '../../algorithms/cosine.ts'
import { createRandom } from '../../core/random.ts'

it('brings the available items with the largest cosine, ties in the order of rows', () => {
  const random = createRandom('towers')
  const unit = () => {
    const vector = Float32Array.from({ length: embeddingWidth }, () => random.next() - 0.5)
    normalizeRows(vector, embeddingWidth)
    return vector
  }
  const catalogue = new Catalogue()
  const vectors: (Float32Array | null)[] = []
  for (let row = 0; row < 1_500; row++) {
    expect(catalogue.rowOf(`i${row}`)).toBe(row)
    // Every seventh has no vector, every fifth the vector of the one before it.
    const vector = row % 7 === 0 ? null : row % 5 === 0 ? (vectors.at(-1) ?? unit()) : unit()
    vectors.push(vector)
    if (vector) catalogue.vectors.set(row, vector)
    if (row % 3 === 0) catalogue.withdrawn[row] = 1
    if (row % 11 === 0) catalogue.stock[row] = 0
  }
  const query = unit()
  const cosineOf = (row: number) => vectors[row]!.reduce((sum, value, i) => sum + value * query[i]!, 0)
  const rows = vectors.flatMap((vector, row) => (vector && row % 3 !== 0 && row % 11 !== 0 ? [row] : []))
  const expected = rows.sort((a, b) => cosineOf(b) - cosineOf(a) || a - b).slice(0, 100)

  const set = new CandidateSet(100)
  const source = twoTowerCandidates(catalogue, catalogue.vectors)
  source.retrieve({ vector: query } as CandidateUser, set, 100)
  expect([...set.rows]).toEqual(expected)
  const none = new CandidateSet(100)
  source.retrieve({ vector: null } as CandidateUser, none, 100)
  expect(none.count).toBe(0)
})
