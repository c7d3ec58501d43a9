import { MillraceError } from '../core/errors.ts'
import { PurchaseTable } from '../operators/tables/purchase-table.ts'
import type { Clock } from '../ports/clock.ts'
import type { Scorer } from '../ports/scorer.ts'
import type { Graph } from '../runtime/graph.ts'
import { attribution } from '../topologies/attribution.ts'
import { bandit } from '../topologies/bandit.ts'
import { experiments } from '../topologies/experiments.ts'
import { itemFeatures } from '../topologies/item-features.ts'
import { recommendations } from '../topologies/recommendations.ts'
import { rewards } from '../topologies/rewards.ts'
import { userFeatures } from '../topologies/user-features.ts'
import type { Config } from './config.ts'
import { type RecommendationExtras, recommendationPorts } from './recommendation-ports.ts'

/** Every topology, upstream first: the order in which a process drains them. */
export const allTopologies = [userFeatures, itemFeatures, recommendations, rewards, bandit, experiments, attribution] as const
export const topologyNames: readonly string[] = allTopologies.map((topology) => topology.name)

/** What every topology but `recommendations` asks for: numbers from the configuration. */
export function featurePorts(config: Config) {
  return {
    features: config.features,
    itemFeatures: { everyMs: 5_000 },
    purchases: new PurchaseTable(),
    serve: { ttlS: 30 * 86_400 },
    rewards: config.rewards,
    attribution: config.attribution,
  }
}

/** The named topologies as graph builders, with the tables they share; unknown names are refused. `extras`: of `recommendationPorts`. */
export function graphsOf(config: Config, scorer: Scorer, clock: Clock, extras?: RecommendationExtras) {
  const names = config.topologies.length > 0 ? config.topologies : topologyNames
  for (const name of names) {
    if (!topologyNames.includes(name))
      throw new MillraceError(
        'MILL_CONFIG_INVALID',
        `"topologies": there is no topology "${name}"; there are ${topologyNames.join(', ')}`,
      )
  }
  const lists = recommendationPorts(config, scorer, clock, extras)
  const ports = featurePorts(config)
  const builders: Record<string, () => Graph> = {
    'user-features': () => userFeatures.graph(ports),
    'item-features': () => itemFeatures.graph(ports),
    recommendations: () => recommendations.graph(lists),
    rewards: () => rewards.graph(ports),
    bandit: () => bandit.graph(ports),
    experiments: () => experiments.graph(lists),
    attribution: () => attribution.graph(ports),
  }
  return {
    graphs: topologyNames.filter((name) => names.includes(name)).map((name) => builders[name]!),
    tables: lists,
  }
}
