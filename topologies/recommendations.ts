import type { CandidateSource } from '../algorithms/candidates/candidate-source.ts'
import type { TrendLists } from '../algorithms/candidates/trend-lists.ts'
import { applyRules, type RuleOptions } from '../operators/apply-rules.ts'
import { assignVariants } from '../operators/assign-variants.ts'
import { type BlendOptions, blendEvidence } from '../operators/blend-evidence.ts'
import { type ChooseRankerOptions, chooseRanker } from '../operators/choose-ranker.ts'
import { type DraftOptions, draftLists } from '../operators/draft-lists.ts'
import { type ExploreOptions, exploreSlot } from '../operators/explore-slot.ts'
import { filterCandidates } from '../operators/filter-candidates.ts'
import { keyByUser } from '../operators/key-by-user.ts'
import { newestPerKey } from '../operators/newest-per-key.ts'
import { perRecipe, type Recipes } from '../operators/per-recipe.ts'
import { type PromoteOptions, promote } from '../operators/promote.ts'
import { type RerankOptions, rerank } from '../operators/rerank.ts'
import { type RetrieveOptions, retrieveCandidates } from '../operators/retrieve-candidates.ts'
import { type ScoreOptions, scoreCandidates } from '../operators/score-candidates.ts'
import type { BanditTable } from '../operators/tables/bandit-table.ts'
import type { CatalogueTable } from '../operators/tables/catalogue-table.ts'
import type { ExperimentTable } from '../operators/tables/experiment-table.ts'
import type { GroupTable } from '../operators/tables/group-table.ts'
import type { RuleTable } from '../operators/tables/rule-table.ts'
import type { SessionTable } from '../operators/tables/session-table.ts'
import type { TrendTable } from '../operators/tables/trend-table.ts'
import { toListWrites } from '../operators/to-list-writes.ts'
import { type FinishOptions, toRecommendations } from '../operators/to-recommendations.ts'
import type { Clock } from '../ports/clock.ts'
import type { Scorer } from '../ports/scorer.ts'
import { defineTopology } from '../runtime/define-topology.ts'

/** What a list is made with that the variants of an experiment may set. */
export interface ListRecipe {
  readonly retrieve: RetrieveOptions
  readonly score: ScoreOptions
  readonly blend: BlendOptions
  readonly rerank: RerankOptions
  readonly explore: ExploreOptions & Pick<ChooseRankerOptions, 'rankers'>
}

/** What the lists are made with; the tables are shared by all tasks of a process. */
export interface RecommendationPorts {
  readonly clock: Clock
  readonly scorer: Scorer
  readonly catalogue: CatalogueTable
  readonly trends: TrendTable
  readonly groups: GroupTable
  /** Lists of all scopes: those of `trends` and those of `groups`. */
  readonly scopes: TrendLists
  readonly sessions: SessionTable
  readonly bandit: BanditTable
  readonly rules: RuleTable
  readonly experiments: ExperimentTable
  readonly recipes: Recipes<ListRecipe>
  readonly sources: readonly CandidateSource[]
  readonly draft: DraftOptions
  readonly promote: PromoteOptions
  readonly rule: RuleOptions
  readonly finish: FinishOptions
  readonly serve: { readonly ttlS: number }
}

/**
 *  item-updates, trend-updates, users, session-steps, bandit-updates, exploration-stops, rules, experiments: tables
 *
 *  feature-updates ─ newest ─ draft ─ assign ─ retrieve ─ filter ─ choose ─ score ─ blend ─ rerank ─ explore ─ promote ─ rule ─ finish ─┬─ serve ─▶ lists
 *                                                                                                                                       └─ publish ─▶ recommendations
 */
export const recommendations = defineTopology<RecommendationPorts>('recommendations', ({ ports, source, table }) => {
  table('item-updates', ports.catalogue)
  table('trend-updates', ports.trends)
  table('users', ports.groups)
  table('session-steps', ports.sessions)
  table('bandit-updates', ports.bandit)
  table('exploration-stops', ports.bandit.stops)
  table('rules', ports.rules)
  table('experiments', ports.experiments)
  const { recipes } = ports
  const { catalogue } = ports.catalogue
  const finished = source('feature-updates', { replacing: true })
    .step('newest', newestPerKey())
    .step('draft', draftLists(ports.catalogue, ports.scorer, ports.draft))
    .step('assign', assignVariants(ports.experiments, ports.finish))
    .step(
      'retrieve',
      perRecipe(recipes, ({ retrieve }) => retrieveCandidates(ports.sources, retrieve)),
    )
    .step('filter', filterCandidates(catalogue))
    .step(
      'choose',
      perRecipe(recipes, ({ explore, score }) => chooseRanker(ports.bandit, ports.scorer, { ...explore, model: score.model })),
    )
    .step(
      'score',
      perRecipe(recipes, ({ score }) => scoreCandidates(ports.scorer, catalogue, ports.clock, score)),
    )
    .step(
      'blend',
      perRecipe(recipes, ({ blend }) => blendEvidence(ports.scopes, catalogue, blend)),
    )
    .step(
      'rerank',
      perRecipe(recipes, (recipe) => rerank(ports.catalogue, recipe.rerank)),
    )
    .step(
      'explore',
      perRecipe(recipes, ({ explore }) => exploreSlot(ports.bandit, catalogue, explore)),
    )
    .step('promote', promote(ports.catalogue, ports.promote))
    .step('rule', applyRules(ports.rules, ports.catalogue, ports.rule))
    .step('finish', toRecommendations(catalogue, ports.clock, ports.finish))
  finished.step('serve', toListWrites(ports.serve)).sink('lists')
  finished.step('publish', keyByUser()).sink('recommendations')
})
