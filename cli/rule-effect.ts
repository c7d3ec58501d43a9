import type { RuleMove, RuleMoveKind } from '../algorithms/rules/ruled-list.ts'
import type { ListDraft } from '../operators/list-draft.ts'

/** What rules did to one item, in words that name them; '' if they did nothing to it. Others' moves are told where it has none itself. */
export function ruleEffect({ ruled }: Pick<ListDraft, 'ruled'>, itemId: string): string {
  if (!ruled) return ''
  const own = ruled.moves.filter((move) => move.itemId === itemId)
  if (own.length > 0) return own.map(worded).join(', ')
  const others = [...new Set(ruled.moves.flatMap(({ ruleId }) => ruleId ?? []))]
  return others.length === 0 ? '' : `what ${others.map((id) => `rule ${id}`).join(', ')} did to other items`
}

function worded({ ruleId, kind }: RuleMove): string {
  const act = acts[kind]
  return ruleId === null ? act : `rule ${ruleId} (${act})`
}

const acts: Readonly<Record<RuleMoveKind, string>> = {
  repeated: 'shown once only',
  'sold-out': 'out of stock',
  excluded: 'keeps it out',
  boosted: 'raises it',
  buried: 'puts it last',
  pinned: 'pins it',
  lifted: 'lifts it',
  'held-back': 'holds it back',
  'back-filled': 'back-filled for items that went',
}
