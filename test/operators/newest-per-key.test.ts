import { describe, expect, it } from 'vitest'
import { newestPerKey } from '../../operators/newest-per-key.ts'
import type { Batch, Sourced } from '../../ports/batch.ts'
import { batchOf, marbles, recordOf } from './marbles.ts'

const batch = (...names: string[]) => batchOf(...names.map(recordOf))

describe('newestPerKey', () => {
  it('keeps the newest record of each key, in log order', () => {
    marbles(({ cold, expectObservable }) => {
      const source = cold('  x--y--|', { x: batch('a1', 'b1', 'a2'), y: batch('a3') })
      const expected = '     x--z--|'
      expectObservable(source.pipe(newestPerKey())).toBe(expected, { x: batch('b1', 'a2'), z: batch('a3') })
    })
  })

  it('passes an empty batch, an error and the silence on', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-x-|', { x: batch() }).pipe(newestPerKey())).toBe('-x-|', { x: batch() })
      expectObservable(cold<Batch<Sourced<string>>>('-#').pipe(newestPerKey())).toBe('-#')
      expectObservable(cold<Batch<Sourced<string>>>('---').pipe(newestPerKey())).toBe('---')
    })
  })

  it('lets go of its source at once', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('x--y--|', { x: batch('a1'), y: batch('a2') })
      expectObservable(source.pipe(newestPerKey()), '--!').toBe('x', { x: batch('a1') })
      expectSubscriptions(source.subscriptions).toBe('^-!')
    })
  })

  it('does not copy a batch in which every key is new', () => {
    const given = batch('a1', 'b1')
    let got: unknown
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('x|', { x: given }).pipe(newestPerKey())).toBe('x|', { x: given })
      cold('x|', { x: given })
        .pipe(newestPerKey())
        .subscribe((one) => {
          got = one
        })
    })
    expect(got).toBe(given)
  })
})
