import { MillraceError } from '../../core/errors.ts'
import { createPolicy, settingsOfPolicy } from './create-policy.ts'
import type { Policy } from './policy.ts'

/** A policy as it is configured. What it learns belongs to its `version`: other settings begin anew. */
export interface PolicyVersion {
  readonly policy: Policy
  /** All settings as text, `alpha=1,beta=1`: made here, read by `readPolicyVersion`. */
  readonly version: string
  /** Time after which an observation counts half, ms of event time; 0 = nothing fades. */
  readonly halfLifeMs: number
  /** Whether chances depend on features of the candidates. */
  readonly isContextual: boolean
}

/** What is kept in a version beside the policy's own settings. */
const halfLifeKey = 'halfLifeMs'
const contextKey = 'context'
/** Grows when the numbers of the context mean something else: sums over the old ones are then no longer used. */
const contextVersion = 1

/** A policy with its version. Errors: `MILL_CONFIG_INVALID` for a name, setting or half-life that cannot be. */
export function policyVersion(name: string, given: Readonly<Record<string, number>> = {}, halfLifeMs = 0): PolicyVersion {
  if (!(halfLifeMs >= 0))
    throw new MillraceError('MILL_CONFIG_INVALID', `the half-life of policy ${name} is ${halfLifeMs}; give at least 0`)
  const settings = settingsOfPolicy(name, given)
  const policy = createPolicy(name, settings)
  const isContextual = policy.width(2) !== policy.width(1)
  const parts = Object.entries(settings)
  if (halfLifeMs > 0) parts.push([halfLifeKey, halfLifeMs])
  if (isContextual) parts.push([contextKey, contextVersion])
  return { policy, version: parts.map(([key, value]) => `${key}=${value}`).join(','), halfLifeMs, isContextual }
}

/** The policy of a logged version. Errors: `MILL_CONFIG_INVALID` when this code does not know it. */
export function readPolicyVersion(name: string, version: string): PolicyVersion {
  const {
    [halfLifeKey]: halfLifeMs = 0,
    [contextKey]: _context,
    ...settings
  } = Object.fromEntries(
    version
      .split(',')
      .filter((part) => part !== '')
      .map((part): [string, number] => {
        const at = part.indexOf('=')
        return [part.slice(0, at), Number(part.slice(at + 1))]
      }),
  )
  return policyVersion(name, settings, halfLifeMs)
}
