import type { Assignment } from '../schemas/assignment.ts'
import type { Exploration } from '../schemas/exploration.ts'
import type { Item } from '../schemas/item.ts'
import type { RecommendedItem, Rung } from '../schemas/recommendation.ts'

/** One shown item with what the catalogue says of it now. */
export interface ShownItem extends RecommendedItem {
  /** 0-based, over all pages. */
  readonly position: number
  readonly item: Item
}

/** What was shown. */
export interface Shown {
  readonly userId: string
  readonly listId: string
  /** Null when nothing was logged. */
  readonly decisionId: string | null
  readonly surface: string
  readonly policy: string
  readonly policyVersion: string
  readonly experiment: string | null
  readonly variant: string | null
  readonly assignments: readonly Assignment[]
  readonly exploration: Exploration | null
  /** `imported`: another vendor made it. */
  readonly rung: Rung | 'imported'
  readonly modelVersion: string
  readonly seed: string
  /** When it was shown, ms. */
  readonly timeMs: number
  /** When the list was made, and the newest event in it, ms. */
  readonly generatedMs: number
  readonly watermarkMs: number
  readonly items: readonly ShownItem[]
  /** For the next page; null when nothing is left. */
  readonly nextCursor: string | null
}
