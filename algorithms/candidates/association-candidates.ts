import type { RuleCounts } from '../rule-counts.ts'
import type { CandidateSource } from './candidate-source.ts'
import { ruleCandidates } from './rule-candidates.ts'

/** What was touched most often in one session with the newest item (AR, association-rules.ts); its best item scores `weight`. */
export function associationCandidates(rules: RuleCounts, weight: number): CandidateSource {
  return ruleCandidates('association', rules, weight)
}
