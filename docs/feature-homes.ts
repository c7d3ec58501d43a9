import type { FeatureName } from '../algorithms/ranker-features.ts'

/** Where a feature of the plan lives: the files that make it, and the columns by which the ranker hears of it. */
export interface FeatureHome {
  readonly id: string
  readonly feature: string
  readonly files: readonly string[]
  readonly columns: readonly FeatureName[]
  /** What is done otherwise than planned; '' if nothing. */
  readonly otherwise: string
}

const home = (
  id: string,
  feature: string,
  files: readonly string[],
  columns: readonly FeatureName[] = [],
  otherwise = '',
): FeatureHome => ({ id, feature, files, columns, otherwise })

/** Area 2, what is measured of people's first days with lists, and the features of area 16, in the order of the plan. */
export const featureHomes: readonly FeatureHome[] = [
  home('F2.1', 'online feature store', ['schemas/user-features.ts', 'algorithms/ranker-features.ts']),
  home('F2.2', 'typed reads, defaults', ['operators/ranker-user.ts'], ['age', 'age_known', 'item_rated', 'release_known']),
  home('F2.3', 'incremental update', ['operators/user-fold.ts', 'operators/fold-user-events.ts']),
  home('F2.4', 'recent items', ['operators/user-fold.ts'], ['touched_recently', 'touch_age']),
  home(
    'F2.5',
    'genre affinity',
    ['operators/user-fold.ts', 'algorithms/co-visitation.ts'],
    ['affinity_leaf', 'affinity_top', 'affinity_brand', 'taste_breadth'],
    'shares of decayed strength (half-life 30 d) in place of an EMA per event: exact in any order; a dismissed item is left out, its category is not lowered',
  ),
  home('F2.6', 'activity counters', ['operators/user-fold.ts'], ['user_events_log', 'likes', 'ratings', 'searches']),
  home('F2.7', 'batched read', ['schemas/user-state-codec.ts', 'operators/to-feature-updates.ts']),
  home('F2.8', 'windowed counts', ['algorithms/tiles.ts'], ['looks_1h', 'carts_24h', 'purchases_30d', 'spend_90d']),
  home('F2.9', 'item popularity', ['operators/item-fold.ts'], ['popularity_log', 'item_purchases', 'item_rating']),
  home('F2.10', 'trending score', ['algorithms/trend.ts'], ['trend_z', 'item_hourly']),
  home('F2.11', 'real-time item features', ['operators/to-item-signals.ts', 'operators/to-item-updates.ts'], ['stock_level']),
  home('F2.12', 'session features', ['operators/user-fold.ts'], ['session_length', 'session_dwell', 'session_category']),
  home('F2.13', 'behaviour', ['algorithms/word-hashes.ts'], ['query_match'], 'the last 5 searches, 6 words each, not 10'),
  home('F2.14', 'engagement', ['operators/user-fold.ts'], ['session_mean', 'session_mean_known']),
  home(
    'F2.15',
    'time preferences',
    ['operators/user-fold.ts'],
    ['hour_share'],
    '24 hours, no weekdays; pseudo-events spread evenly',
  ),
  home('F2.16', 'item time features', ['algorithms/ranker/moment-columns.ts'], ['age_log', 'release_age', 'trend_seasonal']),
  home(
    'F2.17',
    'request context',
    ['algorithms/ranker/person-columns.ts'],
    ['device_mobile', 'hour_sin', 'weekday_sin', 'season_sin', 'region_known'],
  ),
  home(
    'F2.18',
    'feature breadth',
    ['cli/commands/features.ts'],
    [],
    'columns of this page, not 200: no counts by brand or category that nobody learned from',
  ),
  home('F2.19', 'graph features', ['algorithms/page-rank.ts'], ['degree_similar', 'degree_together', 'page_rank']),
  home(
    'F2.20',
    'embedding features',
    ['operators/tables/catalogue-table.ts', 'operators/tables/item-texts.ts'],
    ['vector_cosine', 'source_two_tower'],
    'item vectors are made where lists are, not carried by `item-updates`: a process swaps all of them with the model',
  ),
  home(
    'F11.13',
    'conversion rate',
    ['operators/first-days.ts', 'cli/experiment-spending.ts'],
    [],
    'by experiment and variant, from the first showing in it; somebody counts once their 7 days are over',
  ),
  home(
    'F11.14',
    'revenue per user',
    ['operators/first-days.ts', 'algorithms/tail-sums.ts', 'cli/experiment-spending.ts'],
    [],
    'the same for their first 30 days; the cap is the end of the bucket of the 99.9 % rank, at most 12.5 % above it',
  ),
  home(
    'F11.16',
    'retention, churn',
    ['operators/first-days.ts', 'cli/experiment-spending.ts'],
    [],
    'did anything from 21 to 28 days after the first showing, both ends included, by experiment and variant; who has been silent for 30 days: `millrace report segments`',
  ),
  home('F16.3', 'segmentation', ['algorithms/person-segment.ts'], ['segment_new', 'segment_loyal']),
  home('F16.5', 'lifetime value', ['algorithms/bg-nbd.ts', 'cli/commands/evaluate-value.ts']),
  home(
    'F16.8',
    'price sensitivity',
    ['algorithms/price-percentiles.ts'],
    ['price_percentile', 'price_sensitivity', 'price_mismatch'],
  ),
  home(
    'F16.9',
    'seasonality',
    ['algorithms/week-hours.ts', 'algorithms/candidates/season-candidates.ts'],
    ['category_hour', 'trend_seasonal', 'source_season'],
    'half-life 4 weeks for a window of 8; seasons by quarters of the year, whatever the hemisphere',
  ),
  home('F16.10', 'high-value user', ['algorithms/spend-ranks.ts', 'operators/spender-moves.ts'], ['spend_rank', 'high_value']),
  home('F16.11', 'context, time, intent', ['algorithms/session-intent.ts'], ['intent_search', 'intent_buy', 'intent_browse']),
]
