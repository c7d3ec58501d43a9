import type { BatchSummary } from '../runtime/task.ts'
import type { Reward } from '../schemas/reward.ts'
import type { ServedList } from '../schemas/served-list.ts'

/** Freshness samples kept: the newest ones. */
const samplesMax = 65_536

/** Clicks and showings of one policy, per person, so that intervals respect that a person's showings are alike. */
interface PolicyCount {
  slots: number
  clicks: number
  readonly people: Map<string, { slots: number; clicks: number }>
}

/** A rate with its 95 % interval; people are the independent units (delta method for a ratio). */
export interface Rate {
  readonly slots: number
  readonly clicks: number
  readonly rate: number
  readonly lower: number
  readonly upper: number
  readonly standardError: number
}

/** What a run has done so far: fed by the engine and by the rewards it makes, read by the live view and the report. */
export class RunStatistics {
  #startedMs: number
  events = 0
  lists = 0
  decisions = 0
  rewards = 0
  banditUpdates = 0
  deadLetters = 0
  late = 0
  readonly rungs = new Map<string, number>()
  readonly #freshness = new Float64Array(samplesMax)
  #freshnessCount = 0
  readonly #policies = new Map<string, PolicyCount>()

  constructor(startedMs: number) {
    this.#startedMs = startedMs
  }

  /** When counting began, ms. */
  get startedMs(): number {
    return this.#startedMs
  }

  /** Lets time count from now on: what came before was preparation. */
  restart(startedMs: number): void {
    this.#startedMs = startedMs
  }

  /** Takes one finished batch of a topology. */
  batch(topology: string, summary: BatchSummary, nowMs: number): void {
    this.deadLetters += summary.deadLetters
    this.late += summary.late
    if (topology === 'user-features' && summary.topic === 'user-events') this.events += summary.records
    if (topology === 'bandit') this.banditUpdates += summary.outputs - summary.deadLetters - summary.late
    if (topology !== 'recommendations') return
    for (let i = 0; i < summary.lists.length; i++) {
      if (!summary.swapped[i]) continue
      const list = summary.lists[i]!.value as ServedList
      this.lists++
      this.rungs.set(list.rung, (this.rungs.get(list.rung) ?? 0) + 1)
      this.#freshness[this.#freshnessCount++ % samplesMax] = Math.max(0, nowMs - list.loggedMs)
    }
  }

  /** Takes one joined reward; in an experiment the variant counts, whatever list the person got. */
  reward(reward: Reward): void {
    this.rewards++
    const name = reward.variant ?? reward.policy
    let policy = this.#policies.get(name)
    if (!policy) {
      policy = { slots: 0, clicks: 0, people: new Map() }
      this.#policies.set(name, policy)
    }
    let person = policy.people.get(reward.userId)
    if (!person) {
      person = { slots: 0, clicks: 0 }
      policy.people.set(reward.userId, person)
    }
    for (const slot of reward.slots) {
      policy.slots++
      person.slots++
      if (!slot.clicked) continue
      policy.clicks++
      person.clicks++
    }
  }

  /** Milliseconds at quantile `q` (0–1) of the newest samples; null without any. */
  freshnessMs(q: number): number | null {
    const count = Math.min(this.#freshnessCount, samplesMax)
    if (count === 0) return null
    const sorted = this.#freshness.slice(0, count).sort()
    return sorted[Math.min(count - 1, Math.floor(q * count))]!
  }

  /** Click-through per policy. */
  clickThrough(): Record<string, Rate> {
    const rates: Record<string, Rate> = {}
    for (const [name, policy] of [...this.#policies].sort(([a], [b]) => (a < b ? -1 : 1))) rates[name] = rateOf(policy)
    return rates
  }

  /** Difference of two policies' rates with its 95 % interval; null while one has nothing. */
  difference(a: string, b: string): { readonly difference: number; readonly lower: number; readonly upper: number } | null {
    const rates = this.clickThrough()
    const left = rates[a]
    const right = rates[b]
    if (!left || !right) return null
    const standardError = Math.hypot(left.standardError, right.standardError)
    const difference = left.rate - right.rate
    return { difference, lower: difference - 1.96 * standardError, upper: difference + 1.96 * standardError }
  }
}

/** Ratio of sums over people with the delta method's variance (recsys-notes section 6: CTR by user). */
function rateOf(policy: PolicyCount): Rate {
  const n = policy.people.size
  const rate = policy.slots === 0 ? 0 : policy.clicks / policy.slots
  let squares = 0
  for (const person of policy.people.values()) squares += (person.clicks - rate * person.slots) ** 2
  const meanSlots = policy.slots / Math.max(1, n)
  const standardError = n < 2 || meanSlots === 0 ? Number.POSITIVE_INFINITY : Math.sqrt(squares / (n - 1) / n) / meanSlots
  return {
    slots: policy.slots,
    clicks: policy.clicks,
    rate,
    lower: Math.max(0, rate - 1.96 * standardError),
    upper: rate + 1.96 * standardError,
    standardError,
  }
}
