import type { ListDraft } from './list-draft.ts'

/**
 * Gives a draft another order; the explored slots follow their items. They are given up together with the first that leaves, or that comes
 * to stand above one it was drawn after: the chances that are logged are those of that order.
 */
export function reorderDraft(draft: ListDraft, order: Int32Array): void {
  const { exploration } = draft
  const drawn = exploration?.drawn.map((one) => ({ ...one, slot: order.indexOf(draft.order[one.slot]!) })) ?? []
  const isKept = drawn.every(({ slot }, at) => slot > (drawn[at - 1]?.slot ?? -1))
  draft.order = order
  draft.exploration = exploration === null || !isKept ? null : { ...exploration, slot: drawn[0]?.slot ?? exploration.slot, drawn }
}
