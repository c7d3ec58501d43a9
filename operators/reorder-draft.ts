import type { ListDraft } from './list-draft.ts'

/** Gives a draft another order; the exploration slot follows its item, and is given up with it. */
export function reorderDraft(draft: ListDraft, order: Int32Array): void {
  const { exploration } = draft
  const slot = exploration === null ? -1 : order.indexOf(draft.order[exploration.slot]!)
  draft.order = order
  draft.exploration = exploration === null || slot < 0 ? null : { ...exploration, slot }
}
