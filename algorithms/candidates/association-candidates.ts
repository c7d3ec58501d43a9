import type { RuleCounts } from '../rule-counts.ts'
import type { CandidateSource } from './candidate-source.ts'
import { ruleCandidates } from './rule-candidates.ts'

/** What was touched most often in one session with the newest item (AR, association-rules.ts). */
export function associationCandidates(rules: RuleCounts): CandidateSource {
  return ruleCandidates('association', rules)
}
