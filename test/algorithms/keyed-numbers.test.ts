import { describe, expect, it } from 'vitest'
import { ItemWords } from '../../algorithms/item-words.ts'
import { KeyedNumbers } from '../../algorithms/ranker/keyed-numbers.ts'
import { createRandom } from '../../core/random.ts'

describe('KeyedNumbers', () => {
  it('answers as a map of rows would, with zeros for keys that it does not know, list after list', () => {
    const random = createRandom('keyed numbers')
    const numbers = new KeyedNumbers(3)
    for (let list = 0; list < 20; list++) {
      numbers.clear()
      const rows = new Map<number, number[]>()
      for (let n = 0; n < 200; n++) {
        const key = random.below(n % 2 === 0 ? 50 : 5000) - 1
        const column = random.below(3)
        numbers.set(key, column, n)
        if (key < 0) continue // Stands for none.
        if (!rows.has(key)) rows.set(key, [0, 0, 0])
        rows.get(key)![column] = n
      }
      for (let key = -1; key < 6000; key++) {
        const at = numbers.at(key)
        const found = numbers.values.subarray(at, at + 3)
        const [a, b, c] = rows.get(key) ?? [0, 0, 0]
        if (found[0] !== a || found[1] !== b || found[2] !== c) expect({ list, key, found: [...found] }).toEqual([a, b, c])
      }
    }
  })
})

describe('ItemWords', () => {
  it('tells the words of an item from those that share a bit with one of them', () => {
    const words = new ItemWords()
    words.set(0, [1, 40])
    words.set(5000, [33])
    const found = [0, 1, 5000, 9000].map((item) => [1, 8, 33, 40].filter((word) => words.has(item, word)))
    expect(found).toEqual([[1, 40], [], [33], []])
    words.set(0, [8])
    expect([words.has(0, 1), words.has(0, 8)]).toEqual([false, true])
  })
})
