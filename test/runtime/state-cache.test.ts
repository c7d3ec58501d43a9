import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { absent, StateCache } from '../../runtime/state-cache.ts'

describe('StateCache', () => {
  it('holds what was set, absence included, and knows what it never saw', () => {
    const cache = new StateCache(10)
    cache.set('a', 1)
    cache.set('b', absent)
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, absent, undefined])
  })

  it('at its maximum forgets the older half; a hit moves a key to the young half', () => {
    const cache = new StateCache(4)
    for (const key of ['a', 'b', 'c']) cache.set(key, key)
    expect(cache.get('a')).toBe('a') // Young is now c and a, full.
    cache.set('d', 'd')
    expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual(['a', undefined, 'c', 'd'])
  })

  it('a value set again replaces the old one wherever it lay', () => {
    const cache = new StateCache(4)
    for (const key of ['a', 'b', 'c']) cache.set(key, 'old')
    cache.set('a', 'new') // It lay in the old half.
    expect(cache.get('a')).toBe('new')
    cache.set('d', 'd')
    expect(cache.get('a')).toBe('new')
  })

  it('never holds more than its maximum, never tells a stale value, and keeps the most recent half', () => {
    const action = fc.record({ key: fc.nat({ max: 20 }).map(String), sets: fc.boolean() })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), fc.array(action, { maxLength: 200, size: 'max' }), (keysMax, actions) => {
        const cache = new StateCache(keysMax)
        const truth = new Map<string, number>()
        let recent: string[] = []
        for (const [step, { key, sets }] of actions.entries()) {
          if (sets) {
            cache.set(key, step)
            truth.set(key, step)
          } else {
            const value = cache.get(key)
            if (value !== undefined) expect(value).toBe(truth.get(key))
            // The keys touched last are held: as many as one generation.
            if (recent.slice(-(keysMax >> 1)).includes(key)) expect(value).toBe(truth.get(key))
            if (value === undefined) continue
          }
          recent = [...recent.filter((other) => other !== key), key]
          expect(cache.size).toBeLessThanOrEqual(2 * (keysMax >> 1))
        }
      }),
    )
  })
})
