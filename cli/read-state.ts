import { shopperFamily, shownFamily } from '../operators/attribute-revenue.ts'
import { scopeFamily } from '../operators/fold-item-signals.ts'
import { itemFamily } from '../operators/fold-items.ts'
import { userFamily } from '../operators/fold-user-events.ts'
import { userView } from '../operators/user-view.ts'
import { waitingFamily } from '../operators/waiting-room.ts'
import type { StateFamily } from '../ports/batch.ts'
import type { StateStore, TaskId } from '../ports/state-store.ts'
import type { UserState } from '../schemas/user-state.ts'

/** State families of a topology, and how the values of some are shown. */
export interface ReadableFamily {
  readonly family: Pick<StateFamily<unknown>, 'name' | 'codec'>
  readonly view?: (key: string, value: unknown) => unknown
}

/** What `millrace state get` can decode. */
export const stateFamilies: Readonly<Record<string, readonly ReadableFamily[]>> = {
  'user-features': [{ family: userFamily as StateFamily<unknown>, view: (key, value) => userView(key, value as UserState) }],
  'item-features': [{ family: itemFamily as StateFamily<unknown> }, { family: scopeFamily as StateFamily<unknown> }],
  attribution: [shopperFamily, shownFamily, waitingFamily].map((family) => ({ family: family as StateFamily<unknown> })),
}

/** Everything a task holds under a key, by family; keys of families that are not known here are given whole, as base64. */
export async function readState(
  store: StateStore,
  task: TaskId,
  families: readonly ReadableFamily[],
  key: string,
): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  const values = await store.read(task, [...families.map(({ family }) => `${family.name}:${key}`), key])
  for (const [index, { family, view }] of families.entries()) {
    const bytes = values[index]
    if (!bytes) continue
    const value = family.codec.decode(bytes)
    found[family.name] = view ? view(key, value) : value
  }
  const raw = values[families.length]
  if (raw) found[key] = Buffer.from(raw).toString('base64')
  return found
}
