import type { Catalogue } from '../../algorithms/catalogue.ts'
import { SessionIndex } from '../../algorithms/session-index.ts'
import type { SessionRules } from '../../algorithms/session-rules.ts'
import { fnv1a32, murmur2 } from '../../core/hash.ts'
import type { Sourced } from '../../ports/batch.ts'
import type { SessionSteps } from '../../schemas/session-steps.ts'
import type { GroupTable } from './group-table.ts'

/** Distinct items of a person's history. */
const historyMax = 30

/** `session-steps` as a table: sessions, and histories of people, of every process; `groups` and `rules` are told each touch. Rows seen before are skipped by position. */
export class SessionTable {
  readonly index: SessionIndex
  /** What each person touched, by the hash of who they are: the last items of those who were active last. */
  readonly people: SessionIndex
  readonly #catalogue: Catalogue
  readonly #rules: SessionRules | undefined
  readonly #groups: Pick<GroupTable, 'touched'> | undefined
  /** Next source offset by source partition. */
  readonly #positions = new Map<number, number>()

  constructor(
    catalogue: Catalogue,
    options: { readonly sessionsMax: number; readonly peopleMax: number; readonly itemsMax: number },
    groups?: Pick<GroupTable, 'touched'>,
    rules?: SessionRules,
  ) {
    this.#catalogue = catalogue
    this.#groups = groups
    this.#rules = rules
    const { sessionsMax, peopleMax, itemsMax } = options
    this.index = new SessionIndex({ sessionsMax, itemsMax })
    this.people = new SessionIndex({ sessionsMax: peopleMax, itemsMax, itemsPerSessionMax: historyMax, forgetOldest: true })
  }

  apply(records: readonly Sourced<SessionSteps | null>[]): void {
    for (const { value } of records) if (value) this.#add(value)
  }

  #add(steps: SessionSteps): void {
    const position = this.#positions.get(steps.sourcePartition) ?? 0
    const keys = steps.strings.map(() => -1)
    for (let i = 0; i < steps.offsets.length; i++) {
      if (steps.offsets[i]! < position) continue
      const session = steps.sessions[i]!
      if (keys[session] === -1) keys[session] = sessionKey(steps.strings[session]!)
      const row = this.#catalogue.rowOf(steps.strings[steps.items[i]!]!)
      this.index.add(keys[session]!, row, steps.timesMs[i]!)
      this.#rules?.learn(keys[session]!, row)
      if (i >= steps.people.length) continue
      this.people.add(steps.people[i]!, row, steps.timesMs[i]!)
      this.#groups?.touched(steps.people[i]!, row, steps.timesMs[i]!)
    }
    const last = steps.offsets.at(-1)
    if (last !== undefined && last >= position) this.#positions.set(steps.sourcePartition, last + 1)
  }
}

/** A session id as a safe whole number: 52 bits of two hashes; two ids collide once in 10^15. */
function sessionKey(sessionId: string): number {
  return (murmur2(Buffer.from(sessionId)) & 0xfffff) * 2 ** 32 + fnv1a32(sessionId)
}
