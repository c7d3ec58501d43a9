import { readPolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { replayExploration } from '../operators/exploration-chances.ts'
import { ExplorerSums } from '../operators/explorer-sums.ts'
import { learnedUpdate } from '../operators/fold-rewards.ts'
import { BanditTable } from '../operators/tables/bandit-table.ts'
import type { LearnedState } from '../schemas/bandit-state.ts'
import { learnedName } from '../schemas/bandit-update.ts'
import type { Decision } from '../schemas/decision.ts'
import { armOfSlot } from '../schemas/exploration.ts'
import type { OpenPorts } from './compose.ts'
import { readRewards } from './read-rewards.ts'
import { readTopic } from './read-topic.ts'

/** How logged decisions compare with the same taken again. */
export interface BanditReplay {
  readonly decisions: number
  /** Same chances and same arm, to the last bit. */
  readonly same: number
  readonly different: readonly { readonly decisionId: string; readonly logged: string; readonly again: string }[]
  /** Those of which `rewards` no longer holds what was known then. */
  readonly unknown: number
}

/** Differences named: the first ones tell enough. */
const differencesMax = 20

type Explored = Pick<Decision, 'decisionId' | 'listId' | 'policy' | 'slots' | 'rung' | 'modelVersion'> & {
  readonly exploration: NonNullable<Decision['exploration']>
}

/** Takes the logged decisions again, `limit` at most, each with what its policy knew then. Errors: those of the log. */
export async function replayBandit(ports: Pick<OpenPorts, 'log' | 'wire'>, limit: number): Promise<BanditReplay> {
  const waiting = new Map<string, Explored[]>()
  let decisions = 0
  for await (const { value } of readTopic(ports, 'decisions')) {
    if (decisions >= limit) break
    if (!value?.exploration || value.exploration.version === '') continue
    const { exploration } = value
    const key = momentOf(learnedName(value.policy, exploration), exploration.learned)
    // What models saw is not held.
    const { context: _context, assignments: _assignments, ...decision } = value
    waiting.set(key, [...(waiting.get(key) ?? []), { ...decision, exploration }])
    decisions++
  }
  const different: { decisionId: string; logged: string; again: string }[] = []
  let same = 0
  const replay = (table: BanditTable, key: string) => {
    for (const decision of waiting.get(key) ?? []) {
      const fault = replayed(table, decision)
      if (fault === null) same++
      else if (different.length < differencesMax) different.push({ decisionId: decision.decisionId, ...fault })
    }
    waiting.delete(key)
  }
  for (const key of [...waiting.keys()]) if (key.endsWith(momentOf('', 0))) replay(new BanditTable(), key)
  // Not from `bandit-updates`: that is compacted, and what was known then is the fold of the first rewards.
  const states = new Map<string, LearnedState>()
  const memory = {
    get: (_family: unknown, key: string) => states.get(key) as never,
    put: (_family: unknown, key: string, state: unknown) => states.set(key, state as LearnedState),
  }
  const sums = new ExplorerSums()
  for await (const value of readRewards(ports)) {
    const explorer = sums.faultOf(memory, value) === null ? sums.add(memory, value) : null
    if (!explorer) continue
    const name = learnedName(value.policy, explorer)
    const state = states.get(name)!
    const moment = momentOf(name, state.rows)
    if (!waiting.has(moment)) continue
    const table = new BanditTable()
    table.apply([{ key: '', value: learnedUpdate(name, explorer, state), offset: 0, loggedMs: 0 }])
    replay(table, moment)
  }
  const unknown = [...waiting.values()].reduce((sum, { length }) => sum + length, 0)
  return { decisions, same, different, unknown }
}

function momentOf(name: string, learned: number): string {
  return `${name}@${learned}`
}

/** What differs when a decision is taken again; null if nothing. A page may show fewer slots than were drawn. */
function replayed(table: BanditTable, decision: Explored): { logged: string; again: string } | null {
  const { listId, policy, slots, exploration } = decision
  const { halfLifeMs, over } = readPolicyVersion(exploration.policy, exploration.version)
  const learned = table.learned(learnedName(policy, exploration), exploration.fadedToMs, halfLifeMs)
  const { chances, drawn } = replayExploration(exploration, listId, learned)
  const shown = slots.filter(({ explored }) => explored).map((slot) => [armOfSlot(over, slot, decision), slot.propensity])
  const again = drawn.map(({ arm, propensity }) => [exploration.arms[arm]!, propensity])
  const told = new Set(again.map((one) => one.join()))
  const isSame =
    shown.length > 0 &&
    shown.every((one) => told.has(one.join())) &&
    exploration.chances.every((chance, at) => chance === chances.values[at])
  return isSame
    ? null
    : {
        logged: `${shown.join(' ')} of ${exploration.chances.join(' ')}`,
        again: `${again.join(' ')} of ${chances.values.join(' ')}`,
      }
}
