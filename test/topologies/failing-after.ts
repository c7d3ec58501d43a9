import { MillraceError } from '../../core/errors.ts'
import type { StateStore } from '../../ports/state-store.ts'

/** A store whose owner dies at its commit number `commits`: outputs were sent, the state was not. */
export function failingAfter(store: StateStore, commits: number): StateStore {
  let left = commits
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown
      if (typeof member !== 'function') return member
      if (name !== 'commit') return member.bind(target)
      return (...args: unknown[]) => {
        if (left-- <= 0) throw new MillraceError('MILL_INVARIANT', 'crash by plan')
        return member.apply(target, args)
      }
    },
  })
}
