import { alertSchema } from './alert.ts'
import { banditUpdateSchema } from './bandit-update.ts'
import { deadLetterSchema } from './dead-letter.ts'
import { decisionSchema } from './decision.ts'
import { erasureSchema } from './erasure.ts'
import { experimentSchema } from './experiment.ts'
import { experimentDeltaSchema } from './experiment-delta.ts'
import { experimentResultSchema } from './experiment-result.ts'
import { experimentStopSchema } from './experiment-stop.ts'
import { explorationStopSchema } from './exploration-stop.ts'
import { featureUpdateSchema } from './feature-update.ts'
import { itemSchema } from './item.ts'
import { itemSignalsSchema } from './item-signals.ts'
import { itemUpdateSchema } from './item-update.ts'
import { lateRecordSchema } from './late-record.ts'
import { recommendationSchema } from './recommendation.ts'
import type { RecordSchema } from './record-schema.ts'
import { revenueTileSchema } from './revenue-tile.ts'
import { rewardSchema } from './reward.ts'
import { ruleSchema } from './rule.ts'
import { segmentUpdateSchema } from './segment-update.ts'
import { sessionStepsSchema } from './session-steps.ts'
import { trendUpdateSchema } from './trend-update.ts'
import { userEventSchema } from './user-event.ts'
import { userProfileSchema } from './user-profile.ts'
import { variantRevenueSchema } from './variant-revenue.ts'

const dayMs = 86_400_000
/** Tables that lists are made from keep what was replaced so long, for `millrace models audit` to make them as they were. */
const tableHistoryMs = 10 * 60_000

/** One topic of Millrace: what its value is, how long it is kept. */
export interface TopicDefinition {
  // biome-ignore lint/suspicious/noExplicitAny: each topic has its own value type; TopicValue recovers it.
  readonly schema: RecordSchema<any>
  readonly cleanup: 'delete' | 'compact'
  /** `delete`: what is older goes; `compact`: what is younger stays beside what replaced it. */
  readonly retentionMs?: number
  /** Its records hold rows of many keys, made for one partition each: their own key is that partition's number. */
  readonly packed?: true
  readonly doc: string
}

/** Every topic (architecture.md section 1). The subject in the registry is `<topic>-value`. */
export const topics = {
  'user-events': { schema: userEventSchema, cleanup: 'delete', retentionMs: 7 * dayMs, doc: 'What people do, keyed by user.' },
  users: {
    schema: userProfileSchema,
    cleanup: 'compact',
    retentionMs: tableHistoryMs,
    doc: 'Declared profiles, keyed by user; null erases.',
  },
  items: { schema: itemSchema, cleanup: 'compact', doc: 'The catalogue, keyed by item; null withdraws.' },
  rules: {
    schema: ruleSchema,
    cleanup: 'compact',
    retentionMs: tableHistoryMs,
    doc: 'Merchandising rules, keyed by rule; null removes.',
  },
  decisions: { schema: decisionSchema, cleanup: 'delete', retentionMs: 7 * dayMs, doc: 'What was shown, keyed by user.' },
  'feature-updates': {
    schema: featureUpdateSchema,
    cleanup: 'delete',
    retentionMs: dayMs,
    doc: 'Features that moved, keyed by user.',
  },
  'item-signals': {
    schema: itemSignalsSchema,
    cleanup: 'delete',
    retentionMs: dayMs,
    packed: true,
    doc: 'Contributions to items, packed by item partition.',
  },
  'session-steps': {
    schema: sessionStepsSchema,
    cleanup: 'delete',
    retentionMs: 7 * dayMs,
    packed: true,
    doc: 'Session steps, packed.',
  },
  'item-updates': {
    schema: itemUpdateSchema,
    cleanup: 'compact',
    retentionMs: tableHistoryMs,
    doc: 'What the streams know of an item, keyed by item.',
  },
  'trend-updates': {
    schema: trendUpdateSchema,
    cleanup: 'compact',
    retentionMs: tableHistoryMs,
    doc: 'Popular and trending per scope, keyed by scope.',
  },
  recommendations: { schema: recommendationSchema, cleanup: 'compact', doc: 'Lists, keyed by user.' },
  rewards: {
    schema: rewardSchema,
    cleanup: 'delete',
    retentionMs: 30 * dayMs,
    doc: 'Decisions joined with outcomes, keyed by policy.',
  },
  'bandit-updates': {
    schema: banditUpdateSchema,
    cleanup: 'compact',
    retentionMs: tableHistoryMs,
    doc: 'Posteriors, keyed by policy/arm.',
  },
  experiments: { schema: experimentSchema, cleanup: 'compact', doc: 'Experiments, keyed by experiment; null removes.' },
  'experiment-deltas': {
    schema: experimentDeltaSchema,
    cleanup: 'delete',
    retentionMs: 30 * dayMs,
    doc: 'What showings moved in experiments, keyed by experiment.',
  },
  'experiment-results': {
    schema: experimentResultSchema,
    cleanup: 'compact',
    doc: 'Running results, keyed by experiment/variant/metric.',
  },
  'experiment-stops': {
    schema: experimentStopSchema,
    cleanup: 'compact',
    doc: 'Experiments that a guardrail stopped, keyed by experiment; null: it was created again.',
  },
  'exploration-stops': {
    schema: explorationStopSchema,
    cleanup: 'compact',
    doc: 'Surfaces whose lists do not explore, keyed by surface; null: they do again.',
  },
  'revenue-tiles': {
    schema: revenueTileSchema,
    cleanup: 'compact',
    doc: 'Revenue, orders and carts by surface, source and policy, and by category, keyed by partition/start.',
  },
  'variant-revenue': {
    schema: variantRevenueSchema,
    cleanup: 'compact',
    doc: 'Spending by variant, keyed by partition/experiment.',
  },
  'segment-updates': {
    schema: segmentUpdateSchema,
    cleanup: 'compact',
    doc: 'Segments of people that moved, keyed by user; null erases.',
  },
  alerts: { schema: alertSchema, cleanup: 'delete', retentionMs: 30 * dayMs, doc: 'What people should look at.' },
  'dead-letters': {
    schema: deadLetterSchema,
    cleanup: 'delete',
    retentionMs: 30 * dayMs,
    doc: 'Records that will never work, whole.',
  },
  'late-records': { schema: lateRecordSchema, cleanup: 'delete', retentionMs: 30 * dayMs, doc: 'Records that came too late.' },
  erasures: { schema: erasureSchema, cleanup: 'delete', retentionMs: 30 * dayMs, doc: 'Receipts of erasures.' },
} as const satisfies Record<string, TopicDefinition>

export type TopicName = keyof typeof topics

/** The value type of a topic. */
export type TopicValue<N extends TopicName> = (typeof topics)[N]['schema'] extends RecordSchema<infer T> ? T : never
