import type { FeatureColumn } from './ranker-column.ts'

/** Sources that there were at schema 1. */
export const firstSources = 9

type FirstColumn = Omit<FeatureColumn, 'schema'>

/** Feature schema 1: what the first published rankers take. */
export const firstColumns = [
  {
    name: 'source_session',
    from: 'sources',
    range: [0, 1],
    meaning: 'what sessions like this one went on to; best item 1, 0 if it was not brought',
  },
  {
    name: 'source_similar',
    from: 'sources',
    range: [0, 1],
    meaning: 'the same of items often seen with those the person touched',
  },
  {
    name: 'source_together',
    from: 'sources',
    range: [0, 1],
    meaning: 'the same of items often bought with those in the cart or bought',
  },
  { name: 'source_category', from: 'sources', range: [0, 1], meaning: "the same of what is popular in the person's categories" },
  { name: 'source_trend', from: 'sources', range: [0, 1], meaning: 'the same of what is trending' },
  { name: 'source_popular', from: 'sources', range: [0, 1], meaning: 'the same of what is popular' },
  { name: 'source_content', from: 'sources', range: [0, 1], meaning: 'the same of what reads like the items touched' },
  { name: 'source_two_tower', from: 'sources', range: [0, 1], meaning: 'the same of the two-tower model' },
  { name: 'source_fresh', from: 'sources', range: [0, 1], meaning: 'the same of new items' },
  { name: 'sources_share', from: 'sources', range: [0, 1], meaning: 'sources that brought it, / 9, at most 1' },
  {
    name: 'affinity_leaf',
    from: 'person and item',
    range: [0, 1],
    meaning: 'share of its last-level category in the taste of the person, half-life 30 d',
  },
  { name: 'affinity_top', from: 'person and item', range: [0, 1], meaning: 'share of its first-level category' },
  { name: 'affinity_brand', from: 'person and item', range: [0, 1], meaning: 'share of its brand' },
  {
    name: 'price_distance',
    from: 'person and item',
    range: [0, 1],
    meaning: '|ln(1 + price) - mean of the person| / 2, at most 1; 0 where one is unknown',
  },
  { name: 'price_log', from: 'item', range: [0, 3], meaning: 'ln(1 + price) / 10' },
  { name: 'popularity_log', from: 'item', range: [0, 3], meaning: 'ln(1 + decayed strength of half-life 7 d) / 10' },
  { name: 'trend_z', from: 'item', range: [-0.3, 1], meaning: 'trend score z (F2.10) within [-3, 10], / 10' },
  { name: 'purchase_rate', from: 'item', range: [0, 1], meaning: 'purchases per view or click, with 20 pseudo-views at 2 %' },
  { name: 'age_log', from: 'item', range: [0, 1.1], meaning: 'ln(1 + days since it entered the catalogue) / 10' },
  { name: 'stock_low', from: 'item', range: [0, 1], meaning: '1 below 5 pieces, where stock is counted' },
  { name: 'touched_recently', from: 'person and item', range: [0, 1], meaning: '1 if it is among the last 50 items' },
  { name: 'touched_in_session', from: 'person and item', range: [0, 1], meaning: '1 if it was touched in this session' },
  { name: 'in_cart', from: 'person and item', range: [0, 1], meaning: '1 if it lies in the cart' },
  {
    name: 'category_declared',
    from: 'person and item',
    range: [0, 1],
    meaning: '1 if one of its categories was declared a favourite',
  },
  { name: 'margin_share', from: 'item', range: [-1, 1], meaning: 'margin / price within [-1, 1]; 0 without a price' },
  { name: 'user_events_log', from: 'person', range: [0, 3], meaning: 'ln(1 + events so far) / 10' },
  { name: 'user_purchases_log', from: 'person', range: [0, 3], meaning: 'ln(1 + purchases in 7 days) / 5' },
  { name: 'session_events_log', from: 'person', range: [0, 3], meaning: 'ln(1 + events of the session) / 5' },
  { name: 'session_cart', from: 'person', range: [0, 1], meaning: 'items in the cart / 5, at most 1' },
  { name: 'device_mobile', from: 'person', range: [0, 1], meaning: '1 on a mobile device' },
  { name: 'hour_sin', from: 'person', range: [-1, 1], meaning: 'sine of the hour of day, UTC' },
  { name: 'hour_cos', from: 'person', range: [-1, 1], meaning: 'cosine of the same angle' },
] as const satisfies readonly FirstColumn[]
