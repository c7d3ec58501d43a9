import { type Static, Type } from '@sinclair/typebox'
import type { Clock } from '../ports/clock.ts'
import type { ItemTable } from '../ports/item-table.ts'
import { wordReason } from '../schemas/served-list.ts'
import { itemAnswerOf, itemAnswerSchema } from './item-answer.ts'
import { nullable } from './nullable.ts'
import type { Shown } from './shown.ts'

/** A list older than this is marked stale (features.md F9.3). */
const staleMs = 3_600_000

/** The answer of features.md F9.2. */
export const recommendationAnswerSchema = Type.Object({
  user_id: Type.String(),
  list_id: Type.String({ description: 'Send it with every event that follows from this list.' }),
  decision_id: nullable('string', 'The logged showing; null for a look.'),
  surface: Type.String(),
  policy: Type.String({ description: 'Who decided: learned, trend, imported:<name>, …' }),
  policy_version: Type.String(),
  experiment: nullable('string', 'The experiment the person is in.'),
  variant: nullable('string', 'The variant of it.'),
  rung: Type.String({ description: 'How much could be used: ranker, linear, session, trend; imported: another vendor made it.' }),
  model_version: Type.String({ description: 'Version of the ranking model; empty on lower rungs.' }),
  timestamp: Type.String({ format: 'date-time', description: 'When this was answered, UTC.' }),
  generated_at: Type.String({ format: 'date-time', description: 'When the list was made, UTC.' }),
  watermark: Type.String({ format: 'date-time', description: 'Event time of the newest event in it, UTC.' }),
  stale: Type.Boolean({ description: 'The list is older than an hour.' }),
  recommendations: Type.Array(
    Type.Object({
      item_id: Type.String(),
      position: Type.Integer({ description: '0-based, over all pages.' }),
      score: Type.Number(),
      explored: Type.Boolean({ description: 'The bandit tries this one.' }),
      sources: Type.Array(Type.String(), { description: 'What brought it, strongest first.' }),
      reasons: Type.Array(
        Type.Object({
          code: Type.String(),
          item_id: nullable('string', 'The item it follows from.'),
          scope: nullable('string', 'The category or region it follows from.'),
          text: Type.String({ description: 'The same in words.' }),
        }),
      ),
      item: itemAnswerSchema,
    }),
  ),
  next_cursor: nullable('string', 'For the next page; null at the end.'),
})

export type RecommendationAnswer = Static<typeof recommendationAnswerSchema>

/** A showing as JSON. */
export function recommendationAnswerOf(shown: Shown, items: ItemTable, clock: Clock): RecommendationAnswer {
  const titleOf = (itemId: string) => items.get(itemId)?.title ?? itemId
  return {
    user_id: shown.userId,
    list_id: shown.listId,
    decision_id: shown.decisionId,
    surface: shown.surface,
    policy: shown.policy,
    policy_version: shown.policyVersion,
    experiment: shown.experiment,
    variant: shown.variant,
    rung: shown.rung,
    model_version: shown.modelVersion,
    timestamp: utc(shown.timeMs),
    generated_at: utc(shown.generatedMs),
    watermark: utc(shown.watermarkMs),
    stale: clock.nowMs() - shown.generatedMs > staleMs,
    recommendations: shown.items.map((entry) => ({
      item_id: entry.itemId,
      position: entry.position,
      score: entry.score,
      explored: entry.explored,
      sources: [...entry.sources],
      reasons: [
        {
          code: entry.reason.code,
          item_id: entry.reason.itemId,
          scope: entry.reason.scope,
          text: wordReason(entry.reason, titleOf),
        },
      ],
      item: itemAnswerOf(entry.item),
    })),
    next_cursor: shown.nextCursor,
  }
}

function utc(ms: number): string {
  return new Date(ms).toISOString()
}
