import {
  type ClickThrough,
  clickThroughDifference,
  clickThroughRate,
  emptyClickThrough,
  growPerson,
} from '../algorithms/click-through.ts'
import type { BatchSummary } from '../runtime/task-ports.ts'
import type { Reward } from '../schemas/reward.ts'
import type { ServedList } from '../schemas/served-list.ts'

/** Freshness samples kept: the newest ones. */
const samplesMax = 65_536

/** Clicks and showings of one policy, per person: a person's showings are alike. */
interface PolicyCount {
  readonly sums: ClickThrough
  readonly people: Map<string, { clicks: number; impressions: number }>
}

/** A rate with its 95 % interval; people are the independent units. The interval is null while there are too few. */
export interface Rate {
  readonly slots: number
  readonly clicks: number
  readonly rate: number
  readonly lower: number | null
  readonly upper: number | null
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

  /** Takes one joined reward, or what a correction changes; in an experiment the variant counts, whatever list the person got. */
  reward(reward: Reward): void {
    if (reward.revision === 0) this.rewards++
    const name = reward.variant ?? reward.policy
    let policy = this.#policies.get(name)
    if (!policy) {
      policy = { sums: emptyClickThrough(), people: new Map() }
      this.#policies.set(name, policy)
    }
    const before = policy.people.get(reward.userId) ?? { clicks: 0, impressions: 0 }
    const clicksBefore = reward.slots.filter((slot) => slot.before?.clicked).length
    const more = {
      clicks: reward.slots.filter((slot) => slot.clicked).length - clicksBefore,
      impressions: reward.revision === 0 ? reward.slots.length : 0,
    }
    growPerson(policy.sums, before, more)
    policy.people.set(reward.userId, { clicks: before.clicks + more.clicks, impressions: before.impressions + more.impressions })
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
    for (const [name, { sums }] of [...this.#policies].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { clicks, impressions: slots } = sums
      const estimate = clickThroughRate(sums)
      rates[name] = {
        slots,
        clicks,
        rate: slots === 0 ? 0 : clicks / slots,
        lower: estimate?.lower ?? null,
        upper: estimate?.upper ?? null,
      }
    }
    return rates
  }

  /** treatment − control with its 95 % interval; null while one of them has too little. */
  difference(
    treatment: string,
    control: string,
  ): { readonly difference: number; readonly lower: number; readonly upper: number } | null {
    const sums = [control, treatment].map((name) => this.#policies.get(name)?.sums ?? emptyClickThrough())
    const found = clickThroughDifference(sums[0]!, sums[1]!)
    return found && { difference: found.value, lower: found.lower, upper: found.upper }
  }
}
