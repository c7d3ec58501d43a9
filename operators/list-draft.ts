import type { CandidateSet } from '../algorithms/candidate-set.ts'
import type { CandidateUser } from '../algorithms/candidates/candidate-source.ts'
import type { RankerUser } from '../algorithms/ranker-features.ts'
import type { RuledList } from '../algorithms/rules/ruled-list.ts'
import type { MadeUnder } from '../schemas/assign-experiments.ts'
import type { Exploration } from '../schemas/exploration.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import type { Recommendation, RecommendedItem, Rung } from '../schemas/recommendation.ts'

/** A slot that a bandit filled. */
export interface ExploredSlot {
  /** 0-based place, wherever later steps have moved it. */
  readonly slot: number
  /** The source or item that was drawn, by the policy's scope. */
  readonly arm: string
  readonly propensity: number
}

/** The explored slots of a list: who filled them with which probability. `slot` is the first one's. */
export interface DraftExploration extends Exploration {
  /** In order of their places; empty where the ranker was drawn. */
  readonly drawn: readonly ExploredSlot[]
  /** Who is to score the list, where that was drawn. */
  readonly ranker?: { readonly arm: string; readonly propensity: number }
}

/** One list in the making; each step of `recommendations` fills in its part. */
export interface ListDraft {
  readonly update: FeatureUpdate
  /** Also the seed of every random choice in the list. */
  readonly listId: string
  readonly user: CandidateUser
  readonly ranker: RankerUser
  /** The variant whose settings it is made with; null without any. */
  made: MadeUnder | null
  /** The user tower's input. */
  readonly context: Float32Array
  /** Candidates by source; the draft's own until the batch is done. */
  readonly set: CandidateSet
  /** Candidates taken out, by reason. */
  readonly removed: Map<string, number>
  /** Ranker input, one row per candidate, until the batch is done; empty until scored. */
  features: Float32Array
  /** One per candidate. */
  scores: Float64Array
  rung: Rung
  modelVersion: string
  /** What the ranker's last layer holds of each candidate, count × width, until the batch is done; absent where nobody asked or it tells none. */
  hidden?: Float32Array
  /** What the person's own events say in the order, 0–1; the rest is choices, group and trend. */
  personalShare: number
  /** Places in `set`, best first: the list, then its reserve. */
  order: Int32Array
  exploration: DraftExploration | null
  /** Promoted items by row of the catalogue: the promotion; absent where there are none. */
  promoted?: ReadonlyMap<number, string>
  /** What rules and promises moved, and what could not be kept; absent where no rule was in force and all promises held. */
  ruled?: Pick<RuledList, 'moves' | 'violations'>
}

/** A list ready to leave. */
export interface FinishedList {
  readonly draft: ListDraft
  readonly recommendation: Recommendation
  /** Ranked spare items. */
  readonly reserve: readonly RecommendedItem[]
}
