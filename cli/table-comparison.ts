import { rankerFeatureNames, rankerWidth } from '../algorithms/ranker-features.ts'
import { auditColumns } from './audit-columns.ts'
import type { AuditMismatches } from './audit-mismatches.ts'
import { floatsOf } from './explain-list.ts'
import type { LoggedDecision } from './logged-decisions.ts'
import type { ReplayedRows } from './table-replay.ts'

/** Columns that follow from other items than the row's own: found by filling the tables again up to the moment of the list. */
export interface TableAudit {
  /** Whether the log holds all that the tables ever held; if not, no column that follows from them is called wrong. */
  readonly whole: boolean
  /** Rows compared, and those that are the same in every such column. */
  readonly rows: number
  readonly same: number
  /** Rows that lie between what the tables said before and after: they moved meanwhile, and either may be meant. */
  readonly moved: number
  /** Rows that differ in a column whose tables depend on the order in which a process read several topics, by column. */
  readonly unordered: number
  readonly unorderedColumns: Readonly<Record<string, number>>
}

/** Holds the columns that follow from other items against lists drafted at the moments between which the logged ones were made. */
export class TableComparison implements TableAudit {
  readonly whole: boolean
  rows = 0
  same = 0
  moved = 0
  unordered = 0
  readonly unorderedColumns: Record<string, number> = {}
  readonly #mismatches: AuditMismatches

  constructor(whole: boolean, mismatches: AuditMismatches) {
    this.whole = whole
    this.#mismatches = mismatches
  }

  /** Compares the rows of a decision with `replayed`. */
  compare({ value: decision }: LoggedDecision, replayed: ReplayedRows): void {
    for (const { itemId, features } of decision.slots) {
      const drafts = replayed.get(itemId)
      const logged = floatsOf(features)
      if (!drafts || logged.length === 0 || logged.length > rankerWidth) continue
      this.rows++
      const told = (at: number) => drafts.some((row) => Object.is(row[at], logged[at]))
      const stood = (at: number) => drafts.every((row) => Object.is(row[at], drafts[0]![at]))
      const untold = (columns: ReadonlySet<number>) => [...columns].filter((at) => at < logged.length && !told(at))
      const [other, unordered] = [untold(auditColumns.otherItems), untold(auditColumns.unordered)]
      const wrong = other.find(stood)
      if (wrong !== undefined && this.whole) {
        this.#mismatches.add(decision, itemId, rankerFeatureNames[wrong]!, logged[wrong], drafts[0]![wrong])
        continue
      }
      const strays = unordered.filter(stood)
      for (const at of strays) {
        const name = rankerFeatureNames[at]!
        this.unorderedColumns[name] = (this.unorderedColumns[name] ?? 0) + 1
      }
      if (strays.length > 0) this.unordered++
      else if (other.length + unordered.length > 0) this.moved++
      else this.same++
    }
  }

  /** What was found, as plain data. */
  get result(): TableAudit {
    const { whole, rows, same, moved, unordered, unorderedColumns } = this
    return { whole, rows, same, moved, unordered, unorderedColumns }
  }
}
