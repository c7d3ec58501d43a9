import { describe, expect, it } from 'vitest'
import { GatheredLists } from '../../gateway/gathered-lists.ts'

/** A store that notes each read; it answers a key with itself, and `missing` with null. */
function openStore(fails = false) {
  const reads: string[][] = []
  const get = async (keys: readonly string[]) => {
    reads.push([...keys])
    if (fails) throw new Error('the store is away')
    return keys.map((key) => (key === 'missing' ? null : key))
  }
  return { reads, lists: new GatheredLists({ get }) }
}

describe('gathered reads', () => {
  it('of one turn go out as one, and each caller gets its own values in its order', async () => {
    const { reads, lists } = openStore()
    const answers = await Promise.all([lists.get(['a', 'missing']), lists.get(['b']), lists.get(['a', 'c', 'd'])])
    expect(answers).toEqual([['a', null], ['b'], ['a', 'c', 'd']])
    expect(reads).toEqual([['a', 'missing', 'b', 'a', 'c', 'd']])
    expect(await lists.get(['later'])).toEqual(['later'])
    expect(reads.length).toBe(2)
  })

  it('are cut where a read would be too large, never inside one caller', async () => {
    const { reads, lists } = openStore()
    const asked = Array.from({ length: 100 }, (_, n) => [`a${n}`, `b${n}`, `c${n}`])
    expect(await Promise.all(asked.map((keys) => lists.get(keys)))).toEqual(asked)
    expect(reads.map((keys) => keys.length)).toEqual([120, 120, 60])
    const large = Array.from({ length: 500 }, (_, n) => `k${n}`)
    expect(await lists.get(large)).toEqual(large)
  })

  it('that fail fail for all who went together, and for nobody later', async () => {
    const { lists } = openStore(true)
    const outcomes = await Promise.allSettled([lists.get(['a']), lists.get(['b'])])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await openStore().lists.get(['a'])).toEqual(['a'])
  })
})
