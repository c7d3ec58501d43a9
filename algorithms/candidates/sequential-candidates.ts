import type { RuleCounts } from '../rule-counts.ts'
import type { CandidateSource } from './candidate-source.ts'
import { ruleCandidates } from './rule-candidates.ts'

/** What was touched most often after the newest item, sooner counting more (SR, sequential-rules.ts). */
export function sequentialCandidates(rules: RuleCounts): CandidateSource {
  return ruleCandidates('sequential', rules)
}
