/** What an experiment counts of a person, in this order: whole numbers of what followed, and two that were known before. */
export const personCounts = [
  'slots',
  'clicks',
  'likes',
  'purchases',
  // Graded rewards in hundredths: whole numbers add up the same in any order.
  'reward',
  // 1 once they have bought something.
  'buyer',
  // Clicks and purchases before their first showing in the experiment.
  'pastClicks',
  'pastPurchases',
  // Of purchases of shown items, in hundredths of the shop's currency.
  'revenue',
] as const
export type PersonCount = (typeof personCounts)[number]

/** How a metric follows from the counts. */
export interface MetricDefinition {
  readonly of: PersonCount
  /** The counts of what it is a ratio; null = a mean over people. */
  readonly per: PersonCount | null
  /** Of a mean, what was known before that explains part of it; null for none. */
  readonly past: PersonCount | null
  /** What one unit of the count is worth. */
  readonly unit: number
  /** Share of people whose count stands as it is: that of the others is capped at the largest of these. Null for no cap. */
  readonly capShare: number | null
}

/** The count that is capped where a metric says so, with what was known before: one that a few people can have a lot of. */
export const cappedCount = { of: 'revenue', past: 'pastPurchases' } as const

/** What an experiment can measure, people being the units. */
export const experimentMetrics = {
  'click-through': { of: 'clicks', per: 'slots', past: null, unit: 1, capShare: null },
  'reward-per-slot': { of: 'reward', per: 'slots', past: null, unit: 0.01, capShare: null },
  'clicks-per-person': { of: 'clicks', per: null, past: 'pastClicks', unit: 1, capShare: null },
  'purchases-per-person': { of: 'purchases', per: null, past: 'pastPurchases', unit: 1, capShare: null },
  'reward-per-person': { of: 'reward', per: null, past: 'pastClicks', unit: 0.01, capShare: null },
  'revenue-per-person': { of: 'revenue', per: null, past: 'pastPurchases', unit: 0.01, capShare: 0.999 },
  conversion: { of: 'buyer', per: null, past: 'pastPurchases', unit: 1, capShare: null },
} as const satisfies Record<string, MetricDefinition>
export type ExperimentMetric = keyof typeof experimentMetrics
