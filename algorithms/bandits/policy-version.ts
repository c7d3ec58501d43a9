import { MillraceError } from '../../core/errors.ts'
import { createPolicy, settingsOfPolicy } from './create-policy.ts'
import type { Policy } from './policy.ts'

/** What a bandit may choose: the candidate source of a slot, its item, the items of the first places one after the other, who ranks. */
export const exploredKinds = ['source', 'item', 'slate', 'ranker'] as const
export type ExploredKind = (typeof exploredKinds)[number]

/** Whether arms are items, each with a row of a context; else one row stands for all arms. */
export function areItems(over: string): boolean {
  return over === 'item' || over === 'slate'
}

/** What a contextual policy may see of an item: columns of the ranker, or the ranker's last hidden layer. */
export const itemContexts = ['columns', 'hidden'] as const
export type ItemContext = (typeof itemContexts)[number]

/** What a policy chooses, and how it learns from what became of it. */
export interface PolicyScope {
  readonly over: ExploredKind
  /** Of a slate: chance that each place is looked at, (0, 1]; empty = people read from the top (slate-observations.ts). */
  readonly looked: readonly number[]
  readonly itemContext: ItemContext
}

/** One slot that is filled by a source. */
export const sourceScope: PolicyScope = { over: 'source', looked: [], itemContext: 'columns' }

/** A policy as it is configured. What it learns belongs to its `version`: other settings begin anew. */
export interface PolicyVersion extends PolicyScope {
  readonly policy: Policy
  /** All settings as text, `alpha=1,beta=1,over=item`: made here, read by `readPolicyVersion`. */
  readonly version: string
  /** Time after which an observation counts half, ms of event time; 0 = nothing fades. */
  readonly halfLifeMs: number
  /** Whether chances depend on features of the candidates. */
  readonly isContextual: boolean
}

/** What is kept in a version beside the policy's own settings. */
const halfLifeKey = 'halfLifeMs'
const overKey = 'over'
const lookedKey = 'looked'
const contextKey = 'context'
/** Grow when the numbers of a context mean something else: sums over the old ones are then no longer used. */
const contextVersion = '1'
const itemContextVersions: Readonly<Record<ItemContext, string>> = { columns: 'item-1', hidden: 'hidden' }

/** A policy with its version. Errors: `MILL_CONFIG_INVALID` for a name, setting, half-life or chance of a look that cannot be. */
export function policyVersion(
  name: string,
  given: Readonly<Record<string, number>> = {},
  halfLifeMs = 0,
  { over, looked, itemContext }: PolicyScope = sourceScope,
): PolicyVersion {
  if (!(halfLifeMs >= 0))
    throw new MillraceError('MILL_CONFIG_INVALID', `the half-life of policy ${name} is ${halfLifeMs}; give at least 0`)
  if (!looked.every((chance) => chance > 0 && chance <= 1))
    throw new MillraceError('MILL_CONFIG_INVALID', `places of a slate are looked at with ${looked}; give chances in (0, 1]`)
  const settings = settingsOfPolicy(name, given)
  const policy = createPolicy(name, settings)
  const isContextual = policy.width(2) !== policy.width(1)
  const parts: [string, string | number][] = Object.entries(settings)
  if (halfLifeMs > 0) parts.push([halfLifeKey, halfLifeMs])
  if (over !== 'source') parts.push([overKey, over])
  if (over === 'slate' && looked.length > 0) parts.push([lookedKey, looked.join(';')])
  if (isContextual) parts.push([contextKey, areItems(over) ? itemContextVersions[itemContext] : contextVersion])
  const version = parts.map(([key, value]) => `${key}=${value}`).join(',')
  return { policy, version, halfLifeMs, isContextual, over, looked: over === 'slate' ? looked : [], itemContext }
}

/** The policy of a logged version. Errors: `MILL_CONFIG_INVALID` when this code does not know it. */
export function readPolicyVersion(name: string, version: string): PolicyVersion {
  const {
    [halfLifeKey]: halfLifeMs = '0',
    [overKey]: over = 'source',
    [lookedKey]: looked = '',
    [contextKey]: context = '',
    ...settings
  } = Object.fromEntries(
    version
      .split(',')
      .filter((part) => part !== '')
      .map((part): [string, string] => {
        const at = part.indexOf('=')
        return [part.slice(0, at), part.slice(at + 1)]
      }),
  )
  const kind = exploredKinds.find((one) => one === over)
  if (!kind) throw new MillraceError('MILL_CONFIG_INVALID', `policy ${name} chooses over "${over}"; known are ${exploredKinds}`)
  const numbers = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, Number(value)]))
  return policyVersion(name, numbers, Number(halfLifeMs), {
    over: kind,
    looked: looked === '' ? [] : looked.split(';').map(Number),
    itemContext: context === itemContextVersions.hidden ? 'hidden' : 'columns',
  })
}
