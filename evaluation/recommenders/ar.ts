import { AssociationRules } from '../../algorithms/association-rules.ts'
import type { RecommenderSpec } from '../recommender.ts'
import { RuleRecommender } from './rule-recommender.ts'

/** See algorithms/association-rules.ts. */
export const ar: RecommenderSpec<{ kept: number; consequentsMax: number }> = {
  name: 'ar',
  summary:
    'Association rules: what was most often in one session with the newest item (Agrawal et al. 1993; Ludewig, Jannach 2018).',
  defaults: { kept: 20, consequentsMax: 400 },
  create: ({ itemCount, sessionCount }, { kept, consequentsMax }) =>
    new RuleRecommender(new AssociationRules({ itemsMax: itemCount, consequentsMax }), { kept, sessionCount }),
}
