import type { CandidateSource } from '../algorithms/candidates/candidate-source.ts'
import { categoryCandidates } from '../algorithms/candidates/category-candidates.ts'
import { contentCandidates } from '../algorithms/candidates/content-candidates.ts'
import { freshCandidates } from '../algorithms/candidates/fresh-candidates.ts'
import { popularCandidates } from '../algorithms/candidates/popular-candidates.ts'
import { sessionCandidates } from '../algorithms/candidates/session-candidates.ts'
import { similarCandidates } from '../algorithms/candidates/similar-candidates.ts'
import { togetherCandidates } from '../algorithms/candidates/together-candidates.ts'
import { trendCandidates } from '../algorithms/candidates/trend-candidates.ts'
import { twoTowerCandidates } from '../algorithms/candidates/two-tower-candidates.ts'
import { type KeeperPorts, ListKeeper } from '../operators/keeper/list-keeper.ts'
import { BanditTable } from '../operators/tables/bandit-table.ts'
import { CatalogueTable } from '../operators/tables/catalogue-table.ts'
import { RuleTable } from '../operators/tables/rule-table.ts'
import { SessionTable } from '../operators/tables/session-table.ts'
import { TrendTable } from '../operators/tables/trend-table.ts'
import type { Clock } from '../ports/clock.ts'
import type { Scorer } from '../ports/scorer.ts'
import type { VectorIndex } from '../ports/vector-index.ts'
import type { RecommendationPorts } from '../topologies/recommendations.ts'
import type { Config } from './config.ts'

/** The policy under which personal lists are made and judged. */
export const learnedPolicy = 'learned'
const surface = 'home'
const itemsMax = 50
const sessionsMax = 100_000
const sessionItemsMax = 1 << 20

/**
 * The tables, sources and settings of `recommendations`: one set per process, shared by its tasks. Without an `openIndex` nearest items
 * are found by exact search however many there are.
 */
export function recommendationPorts(
  config: Config,
  scorer: Scorer,
  clock: Clock,
  openIndex: () => VectorIndex | null = () => null,
): RecommendationPorts {
  const catalogue = new CatalogueTable({ exactMax: config.recommendations.exactItemsMax, openIndex })
  const trends = new TrendTable(catalogue.catalogue)
  const sessions = new SessionTable(catalogue.catalogue, { sessionsMax, itemsMax: sessionItemsMax })
  const countMax = config.recommendations.candidatesMax
  return {
    clock,
    scorer,
    catalogue,
    trends,
    sessions,
    bandit: new BanditTable(),
    rules: new RuleTable(),
    sources: sourcesOver(catalogue, trends, sessions),
    retrieve: { countMax: 100 },
    draft: { countMax, userModel: 'two_tower_user', itemModel: 'two_tower_item' },
    score: { model: 'ranker', rowsMax: 4096, shedAfterMs: config.recommendations.shedAfterMs },
    diversify: { itemsMax: 70, poolMax: 100, lambda: 0.8, first: 10, perBrandMax: 3, perCategoryMax: 6 },
    explore: { slot: 4, first: 10, policy: learnedPolicy, epsilon: 0.05 },
    rule: { surface, itemsMax, poolMax: 100 },
    finish: { surface, policy: learnedPolicy, policyVersion: '1', itemsMax },
    serve: { ttlS: 30 * 86_400 },
  }
}

/** The keeper of the lists that `recommendations` makes with these ports. Errors: none. */
export function listKeeper(
  config: Config,
  ports: RecommendationPorts,
  open: Omit<KeeperPorts, 'catalogue' | 'rules'>,
): ListKeeper {
  const { catalogue, rules, diversify, finish } = ports
  return new ListKeeper(
    { ...open, catalogue, rules },
    {
      ...diversify,
      surface,
      shownMax: finish.itemsMax,
      listsMax: config.recommendations.heldListsMax,
      partitions: config.partitions,
    },
  )
}

/** What says most about the person comes first: a full candidate set turns the last ones away. */
function sourcesOver(table: CatalogueTable, trends: TrendTable, sessions: SessionTable): readonly CandidateSource[] {
  const { catalogue } = table
  return [
    sessionCandidates(sessions.index),
    similarCandidates(catalogue),
    togetherCandidates(catalogue),
    twoTowerCandidates(catalogue, table.nearest),
    categoryCandidates(trends, catalogue),
    contentCandidates(table.content),
    trendCandidates(trends),
    popularCandidates(trends),
    freshCandidates(catalogue),
  ]
}
