import { associationCandidates } from '../algorithms/candidates/association-candidates.ts'
import type { CandidateSource } from '../algorithms/candidates/candidate-source.ts'
import { categoryCandidates } from '../algorithms/candidates/category-candidates.ts'
import { contentCandidates } from '../algorithms/candidates/content-candidates.ts'
import { freshCandidates } from '../algorithms/candidates/fresh-candidates.ts'
import { groupCandidates } from '../algorithms/candidates/group-candidates.ts'
import { type NewcomerTrials, newcomerCandidates } from '../algorithms/candidates/newcomer-candidates.ts'
import { popularCandidates } from '../algorithms/candidates/popular-candidates.ts'
import { seasonCandidates } from '../algorithms/candidates/season-candidates.ts'
import { sequenceCandidates } from '../algorithms/candidates/sequence-candidates.ts'
import { sequentialCandidates } from '../algorithms/candidates/sequential-candidates.ts'
import { sessionCandidates } from '../algorithms/candidates/session-candidates.ts'
import { similarCandidates } from '../algorithms/candidates/similar-candidates.ts'
import { togetherCandidates } from '../algorithms/candidates/together-candidates.ts'
import { trendCandidates } from '../algorithms/candidates/trend-candidates.ts'
import type { TrendLists } from '../algorithms/candidates/trend-lists.ts'
import { twoTowerCandidates } from '../algorithms/candidates/two-tower-candidates.ts'
import { userKnnCandidates } from '../algorithms/candidates/user-knn-candidates.ts'
import { SessionRules } from '../algorithms/session-rules.ts'
import { type KeeperPorts, ListKeeper } from '../operators/keeper/list-keeper.ts'
import { BanditTable } from '../operators/tables/bandit-table.ts'
import { CatalogueTable } from '../operators/tables/catalogue-table.ts'
import { ExperimentTable } from '../operators/tables/experiment-table.ts'
import { GroupTable } from '../operators/tables/group-table.ts'
import { RuleTable } from '../operators/tables/rule-table.ts'
import { SessionTable } from '../operators/tables/session-table.ts'
import { TrendTable } from '../operators/tables/trend-table.ts'
import type { Clock } from '../ports/clock.ts'
import { type Logger, silentLogger } from '../ports/logger.ts'
import type { Scorer } from '../ports/scorer.ts'
import type { SequenceModel } from '../ports/sequence-model.ts'
import type { TextModel } from '../ports/text-model.ts'
import type { VectorIndex } from '../ports/vector-index.ts'
import type { RecommendationPorts } from '../topologies/recommendations.ts'
import type { Config } from './config.ts'
import { configuredExperiment } from './configured-experiment.ts'
import { learnedPolicy } from './list-recipe.ts'
import { checkRecommendationConfig } from './recommendation-config.ts'
import { VariantRecipes } from './variant-recipes.ts'
import { variantsFault } from './variant-settings.ts'

const sessionsMax = 100_000
/** People whose histories are compared with those of others. */
const peopleMax = 50_000
const sessionItemsMax = 1 << 20

/** What a process has beside a scorer and a clock. */
export interface RecommendationExtras {
  /** Makes an index of vectors; without it nearest items are found by exact search however many there are. */
  readonly openIndex?: () => VectorIndex | null
  /** Continues histories; without it nobody does. */
  readonly sequences?: SequenceModel | undefined
  /** Reads the texts of items; without it nobody does. */
  readonly texts?: TextModel | undefined
  readonly logger?: Logger
}

/** The tables, sources and settings of `recommendations`: one set per process, shared by its tasks. */
export function recommendationPorts(
  config: Config,
  scorer: Scorer,
  clock: Clock,
  { openIndex = () => null, sequences, texts, logger = silentLogger }: RecommendationExtras = {},
): RecommendationPorts & { readonly recipes: VariantRecipes } {
  const catalogue = new CatalogueTable({ exactMax: config.recommendations.exactItemsMax, openIndex })
  const trends = new TrendTable(catalogue.catalogue)
  const groups = new GroupTable()
  const scopes = groups.beside(trends)
  const settings = config.recommendations
  const rules = sessionRules(settings.sessionRules)
  const kept = { sessionsMax, peopleMax, itemsMax: sessionItemsMax }
  const sessions = new SessionTable(catalogue.catalogue, kept, groups, rules)
  const bandit = new BanditTable()
  checkRecommendationConfig(settings)
  const recipes = new VariantRecipes(settings)
  const { surface, itemsMax, poolMax, limits } = settings
  return {
    clock,
    scorer,
    catalogue,
    trends,
    groups,
    scopes,
    sessions,
    bandit,
    rules: new RuleTable(logger),
    experiments: new ExperimentTable([configuredExperiment(config)], (experiment) => variantsFault(settings, experiment)),
    recipes,
    sources: [...sourcesOver(catalogue, scopes, sessions, bandit.newcomerTrials(learnedPolicy)), ...rulesOver(rules)],
    draft: {
      countMax: settings.candidatesMax,
      userModel: 'two_tower_user',
      itemModel: 'two_tower_item',
      ...(sequences && { sequences }),
      ...(texts && { texts }),
    },
    promote: { promotions: settings.promotions, poolMax },
    rule: { surface, itemsMax, poolMax, limits, tasteMax: limits.tasteMax },
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
  const { catalogue, rules, finish } = ports
  const { rerank } = ports.recipes.of(null)
  return new ListKeeper(
    { ...open, catalogue, rules },
    {
      itemsMax: rerank.itemsMax,
      limits: ports.rule.limits,
      leafCategoryMax: rerank.caps.leafCategoryMax,
      surface: finish.surface,
      shownMax: finish.itemsMax,
      listsMax: config.recommendations.heldListsMax,
      partitions: config.partitions,
    },
  )
}

/** What says most about the person comes first: a full candidate set turns the last ones away. */
function sourcesOver(
  table: CatalogueTable,
  trends: TrendLists,
  sessions: SessionTable,
  trials: NewcomerTrials,
): readonly CandidateSource[] {
  const { catalogue } = table
  return [
    sessionCandidates(sessions.index),
    similarCandidates(catalogue),
    togetherCandidates(catalogue),
    sequenceCandidates(),
    userKnnCandidates(sessions.people),
    twoTowerCandidates(catalogue, table.nearest),
    categoryCandidates(trends, catalogue),
    contentCandidates(table.content, { texts: table.texts.neighbours, catalogue }),
    groupCandidates(trends),
    trendCandidates(trends),
    popularCandidates(trends),
    seasonCandidates(trends),
    freshCandidates(catalogue),
    newcomerCandidates(catalogue, table.content, trials, table.texts.neighbours),
  ]
}

/** Rules of the kinds that are asked for; undefined if none is. */
function sessionRules({ association, sequential }: Config['recommendations']['sessionRules']): SessionRules | undefined {
  return association || sequential ? new SessionRules({ association, sequential, itemsMax: sessionItemsMax }) : undefined
}

function rulesOver(rules: SessionRules | undefined): readonly CandidateSource[] {
  return [
    ...(rules?.sequential ? [sequentialCandidates(rules.sequential)] : []),
    ...(rules?.association ? [associationCandidates(rules.association)] : []),
  ]
}
