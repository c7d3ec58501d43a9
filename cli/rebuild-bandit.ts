import { learnedFamily } from '../operators/explorer-sums.ts'
import { armFamily, policyFamily } from '../operators/fold-rewards.ts'
import type { StateFamily } from '../ports/batch.ts'
import type { CommitResult } from '../ports/state-store.ts'
import { defaultTaskLimits } from '../runtime/task-limits.ts'
import { foldTask } from '../runtime/verify.ts'
import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'
import { topologyGraph } from './topology-graph.ts'

/** What folding the log of one task again has shown. */
export interface BanditRebuild {
  readonly partition: number
  readonly records: number
  readonly keys: number
  /** Keys whose stored numbers are further than 1e-9 of their size from the fold's, or that only one side has. */
  readonly different: readonly string[]
  readonly restored: boolean
  /** Why it could not be folded, else ''. */
  readonly skipped: string
}

const topology = 'bandit'
const families = [armFamily, policyFamily, learnedFamily] as readonly StateFamily<unknown>[]
/** Most that equal numbers may differ, of their size: sums of doubles in another order. */
const tolerance = 1e-9

/**
 * Folds `rewards` again and compares what bandits learned with the stored state; with `restore` the fold takes its place, at the same
 * positions and under a new epoch, so nobody else may own the task. Errors: those of log and store.
 */
export async function rebuildBandit(config: Config, ports: OpenPorts, restore: boolean): Promise<BanditRebuild[]> {
  const rebuilt: BanditRebuild[] = []
  for (const partition of await ports.state.tasks(topology)) {
    const task = { topology, partition }
    const result = await foldTask(task, await topologyGraph(topology, config), { ...ports, partitions: config.partitions })
    if ('skipped' in result) {
      rebuilt.push({ partition, records: 0, keys: 0, different: [], restored: false, skipped: result.skipped })
      continue
    }
    const { stored, folded, records, positions } = result
    const keys = [...new Set([...stored.keys(), ...folded.keys()])].filter((key) => familyOf(key) !== undefined)
    const different = keys.filter((key) => !isSame(key, stored.get(key), folded.get(key)))
    let applied: CommitResult['kind'] | null = null
    if (restore && different.length > 0) {
      const { epoch } = await ports.state.openTask(task)
      const writes = new Map(different.map((key) => [key, folded.get(key) ?? null]))
      const commit = { epoch, from: positions, to: positions, writes, ttlS: defaultTaskLimits.stateTtlS }
      applied = (await ports.state.commit(task, commit)).kind
    }
    const skipped =
      applied === null || applied === 'applied' ? '' : 'it moved on while it was read: stop the engine and try again'
    rebuilt.push({ partition, records, keys: keys.length, different, restored: applied === 'applied', skipped })
  }
  return rebuilt
}

function familyOf(key: string): StateFamily<unknown> | undefined {
  return families.find(({ name }) => key.startsWith(`${name}:`))
}

function isSame(key: string, stored: Uint8Array | undefined, folded: Uint8Array | undefined): boolean {
  if (!stored || !folded) return false
  if (Buffer.compare(stored, folded) === 0) return true
  const { codec } = familyOf(key)!
  return isNear(codec.decode(stored), codec.decode(folded))
}

/** Equal but for numbers, and those nearly. */
function isNear(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b))
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const [left, right] = [Object.entries(a), Object.entries(b)]
  return left.length === right.length && left.every(([name, value]) => isNear(value, (b as Record<string, unknown>)[name]))
}
