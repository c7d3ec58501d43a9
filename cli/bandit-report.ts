import { type ExploredKind, type PolicyVersion, readPolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { type WeightedMean, weightedMean } from '../algorithms/bandits/weighted-mean.ts'
import { posteriorOf } from '../algorithms/beta-posterior.ts'
import { MillraceError } from '../core/errors.ts'
import type { BanditUpdate, Explorer } from '../schemas/bandit-update.ts'
import type { LearnedArm } from '../schemas/learned-arm.ts'

/** Effective decisions from which an arm may be called the best: fewer are luck. */
const effectiveSizeMin = 30

/** One arm of a bandit policy in a segment. */
export interface ArmReport {
  readonly arm: string
  readonly decisions: number
  /** Of the decisions of all arms. */
  readonly share: number
  /** Beta(1, 1) plus rewards, and their complements: mean with its central 95 % interval. */
  readonly mean: number
  readonly lower: number
  readonly upper: number
  /** What the policy's own sums expect of it; null where that depends on the context. */
  readonly expected: number | null
  /** What it would bring shown to everybody, by outcomes weighted with 1 / propensity. */
  readonly weighted: WeightedMean
}

/** What one bandit policy, with its settings, learned in one segment. */
export interface BanditReport extends Explorer {
  /** What its arms are; '' for a policy that this code no longer has. */
  readonly over: ExploredKind | ''
  /** The list policy whose slot it fills. */
  readonly listPolicy: string
  readonly rewards: number
  /** Shown most often first. */
  readonly arms: readonly ArmReport[]
  /** Arm with the largest weighted mean of those with enough decisions; null if none has. */
  readonly best: string | null
  /**
   * Rewards that always showing the best arm would have brought more, with the interval of its mean; null without one, and for items: there is
   * none that every list could have shown.
   */
  readonly regret: { readonly total: number; readonly lower: number; readonly upper: number } | null
}

/** Reports of what rows of `bandit-updates` tell last, the most rewarded first. */
export function banditReports(updates: Iterable<BanditUpdate>): BanditReport[] {
  const newest = new Map<string, BanditUpdate>()
  for (const update of updates) if (update.explorer.policy !== '') newest.set(update.policy, update)
  return [...newest.values()].map(reportOf).sort((a, b) => b.rewards - a.rewards)
}

function reportOf({ policy, explorer, learned, decisions, rewardSum }: BanditUpdate): BanditReport {
  const known = readVersion(explorer)
  // An arm that all share has no outcomes of its own.
  const shown = learned.filter(({ weighted }) => weighted.length > 0)
  const arms = shown.map((arm) => armOf(arm, known, decisions)).sort((a, b) => b.decisions - a.decisions)
  const best = bestOf(arms)
  const regret = (mean: number) => mean * decisions - rewardSum
  return {
    ...explorer,
    listPolicy: policy.slice(0, policy.length - `/${explorer.policy}/${explorer.version}/${explorer.segment}`.length),
    over: known?.over ?? '',
    rewards: decisions,
    arms,
    best: best?.arm ?? null,
    regret:
      (known?.over === 'source' || known?.over === 'ranker') && best
        ? {
            total: regret(best.weighted.mean),
            lower: regret(best.weighted.lower),
            upper: regret(best.weighted.upper),
          }
        : null,
  }
}

function armOf({ arm, decisions, rewardMilli, sums, weighted }: LearnedArm, known: PolicyVersion | null, all: number): ArmReport {
  const successes = rewardMilli / 1000
  const { mean, lower, upper } = posteriorOf({ successes, failures: decisions - successes })
  return {
    arm,
    decisions,
    share: decisions / all,
    mean,
    lower,
    upper,
    expected: expectedOf(sums, known),
    weighted: weightedMean(weighted),
  }
}

function expectedOf(sums: readonly number[], known: PolicyVersion | null): number | null {
  if (sums.length === 0 || known === null || known.isContextual) return null
  const expected = known.policy.expected(Float64Array.from(sums), 0)
  return Number.isNaN(expected) ? null : expected
}

/** Null for a policy that this code no longer has: its counts can still be shown. */
function readVersion({ policy, version }: Explorer): PolicyVersion | null {
  try {
    return readPolicyVersion(policy, version)
  } catch (error) {
    if (error instanceof MillraceError) return null
    throw error
  }
}

function bestOf(arms: readonly ArmReport[]): ArmReport | null {
  const enough = arms.filter(({ weighted }) => weighted.effectiveSize >= effectiveSizeMin)
  return enough.reduce<ArmReport | null>((best, arm) => (best && best.weighted.mean >= arm.weighted.mean ? best : arm), null)
}
