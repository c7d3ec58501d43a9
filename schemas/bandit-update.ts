import { type LearnedArm, learnedArmSchema } from './learned-arm.ts'
import { recordSchema, timestampMs } from './record-schema.ts'

/**
 * The name of the arm that sums up a whole policy: `decisions` are slots shown, `rewardSum` slots clicked, so `mean` is the
 * click-through rate; `lower` to `upper` is its 95 % interval with showings, not slots, as the independent units. No source
 * has this name.
 */
export const wholePolicy = '*'

/** The source that brings new items, and the arm of one of them: its showings in the exploration slot, `rewardSum` those that were clicked. */
export const newcomerSource = 'newcomer'
export function newcomerArm(itemId: string): string {
  return `${newcomerSource}:${itemId}`
}

/** Which bandit policy learned something: as in `Exploration`. */
export interface Explorer {
  readonly policy: string
  readonly version: string
  readonly segment: string
}

/** The name under which a list policy's explorer keeps what it learned: `BanditUpdate.policy` of its rows, and the state's key. */
export function learnedName(policy: string, explorer: Explorer): string {
  return `${policy}/${explorer.policy}/${explorer.version}/${explorer.segment}`
}

/** Sufficient statistics and posterior of one arm of one policy: newest wins. */
export interface BanditUpdate {
  /** A list policy, whatever drew its slots; or `learnedName`, with `wholePolicy` as arm: what a bandit policy learned in a segment. */
  readonly policy: string
  /** The arm: a candidate source that may fill the exploration slot, a new item there (`newcomerArm`), or `wholePolicy`. */
  readonly arm: string
  /** Grows with every reward row applied to the policy. */
  readonly version: number
  readonly decisions: number
  readonly rewardSum: number
  /** Beta posterior: prior 1,1 plus rewards and their complements. */
  readonly alpha: number
  readonly beta: number
  readonly mean: number
  /** 95 % credible interval. */
  readonly lower: number
  readonly upper: number
  readonly eventTimeMs: number
  /** Who learned it; policy '' in rows of a whole list policy. */
  readonly explorer: Explorer
  /** All that it learned, in one piece, in order of name; its sums as of `referenceMs`. `decisions` says from how many rewards. */
  readonly learned: readonly LearnedArm[]
  readonly referenceMs: number
}

/** Of rows of a whole list policy. */
export const nobody: Explorer = { policy: '', version: '', segment: '' }

const explorerSchema = recordSchema<Explorer>('Explorer', 'Which bandit policy learned something.', [
  { name: 'policy', type: 'string', doc: 'Its name; empty in rows of a whole list policy.' },
  { name: 'version', type: 'string', doc: 'Its settings as text.' },
  { name: 'segment', type: 'string', doc: 'Whose rewards; empty = those of everybody.' },
])

export const banditUpdateSchema = recordSchema<BanditUpdate>('BanditUpdate', 'Sufficient statistics and posterior of one arm.', [
  { name: 'policy', type: 'string', doc: 'The policy; the record key is policy/arm.' },
  { name: 'arm', type: 'string', doc: 'The arm; * sums up the policy (slots shown and clicked).' },
  { name: 'version', type: 'long', doc: 'Reward rows applied to the policy.' },
  { name: 'decisions', type: 'long', doc: 'Times the arm was shown.' },
  { name: 'rewardSum', type: 'double', doc: 'Sum of rewards.' },
  { name: 'alpha', type: 'double', doc: 'Beta posterior alpha.' },
  { name: 'beta', type: 'double', doc: 'Beta posterior beta.' },
  { name: 'mean', type: 'double', doc: 'Posterior mean.' },
  { name: 'lower', type: 'double', doc: '2.5 % quantile.' },
  { name: 'upper', type: 'double', doc: '97.5 % quantile.' },
  { name: 'eventTimeMs', type: timestampMs, doc: 'Newest reward in it.' },
  { name: 'explorer', type: explorerSchema.definition, doc: 'Which bandit policy learned it.', default: nobody },
  { name: 'learned', type: { type: 'array', items: learnedArmSchema.definition }, doc: 'What it learned, by arm.', default: [] },
  { name: 'referenceMs', type: 'long', doc: 'Time as of which the sums are kept.', default: 0 },
])
