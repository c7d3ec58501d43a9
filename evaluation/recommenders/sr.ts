import { SequentialRules } from '../../algorithms/sequential-rules.ts'
import type { RecommenderSpec } from '../recommender.ts'
import { RuleRecommender } from './rule-recommender.ts'

/** See algorithms/sequential-rules.ts. */
export const sr: RecommenderSpec<{ kept: number; steps: number; power: number; consequentsMax: number }> = {
  name: 'sr',
  summary: 'Sequential rules: what came most often and soonest after the newest item (Kamehkhosh, Jannach, Ludewig 2017).',
  defaults: { kept: 20, steps: 20, power: 2, consequentsMax: 400 },
  create: ({ itemCount, sessionCount }, { kept, steps, power, consequentsMax }) =>
    new RuleRecommender(new SequentialRules({ itemsMax: itemCount, stepsMax: steps, power, consequentsMax }), {
      kept,
      sessionCount,
    }),
}
