import { chooseSlate } from '../../algorithms/bandits/choose-slate.ts'
import { fadingReference, fadingWeight, moveReference } from '../../algorithms/bandits/fading-weight.ts'
import type { Policy } from '../../algorithms/bandits/policy.ts'
import { createRandom } from '../../core/random.ts'
import { BanditWorld, type WorldOptions } from './bandit-world.ts'

/** How a contender of a race decides. */
export interface Contender {
  readonly name: string
  readonly policy: Policy
  /** Share of decisions spread evenly, 0–1. */
  readonly epsilon: number
  /** Decisions after which what was learned counts half; 0 = it stays. */
  readonly halfLife: number
  /**
   * `hold`: a decision is learned from when its reward is known. `provisional`: at once as if nothing came, and corrected then.
   */
  readonly update: 'hold' | 'provisional'
}

/** One run of one contender in one world. */
export interface RaceRun {
  /** Regret against the best arm of each person so far, at `points` evenly spread decisions. */
  readonly regret: Float64Array
  /** Clicks in all. */
  readonly reward: number
  /** Expected clicks in all, without luck. */
  readonly expected: number
}

/** Expected clicks in all of always showing the one arm that is best over all people, an arm that goes replaced by the next best. */
export function bestFixedArm(options: WorldOptions): number {
  const world = new BanditWorld(options)
  const totals = world.arms.map(() => 0)
  const late: number[] = world.arms.map(() => 0)
  let lateFrom = options.decisions
  for (let decision = 0; decision < options.decisions; decision++) {
    const context = world.contextOf(decision)
    const available = world.availableAt(decision)
    if (available.length < world.arms.length) lateFrom = Math.min(lateFrom, decision)
    for (const arm of available) {
      const rate = world.rateOf(arm, context, decision)
      if (decision < lateFrom) totals[arm]! += rate
      else late[arm]! += rate
    }
  }
  if (lateFrom === options.decisions) return Math.max(...totals)
  return Math.max(...totals) + Math.max(...late)
}

/** Lets a contender decide for every person of a world in turn; `seed` is that of its own draws. */
export function race(options: WorldOptions, contender: Contender, points = 50): RaceRun {
  const world = new BanditWorld(options)
  const learner = new Learner(contender, options.features)
  const regret = new Float64Array(points)
  const due = new Map<number, Pending[]>()
  let lost = 0
  let reward = 0
  let expected = 0
  for (let decision = 0; decision < options.decisions; decision++) {
    for (const pending of due.get(decision) ?? []) learner.outcome(pending)
    due.delete(decision)
    const context = world.contextOf(decision)
    const available = world.availableAt(decision)
    const rates = available.map((arm) => world.rateOf(arm, context, decision))
    const chosen = learner.choose(
      available.map((arm) => world.arms[arm]!),
      context,
      decision,
    )
    const { uniform, delay } = world.luckOf(decision)
    const clicked = uniform < rates[chosen]! ? 1 : 0
    lost += Math.max(...rates) - rates[chosen]!
    reward += clicked
    expected += rates[chosen]!
    const pending = { arm: world.arms[available[chosen]!]!, context, reward: clicked, decision }
    learner.decided(pending)
    if (delay === 0) learner.outcome(pending)
    else due.set(decision + delay, [...(due.get(decision + delay) ?? []), pending])
    regret[Math.floor((decision * points) / options.decisions)] = lost
  }
  return { regret, reward, expected }
}

interface Pending {
  readonly arm: string
  readonly context: Float64Array
  readonly reward: number
  readonly decision: number
}

/** What a contender has learned, and how it decides by it. */
class Learner {
  readonly #contender: Contender
  readonly #features: number
  readonly #sums = new Map<string, Float64Array>()
  #reference = 0

  constructor(contender: Contender, features: number) {
    this.#contender = contender
    this.#features = features
  }

  choose(arms: readonly string[], context: Float64Array, decision: number): number {
    const features = new Float64Array(arms.length * context.length)
    for (let arm = 0; arm < arms.length; arm++) features.set(context, arm * context.length)
    const choices = { arms, features, width: context.length, decisions: decision }
    const { policy, epsilon } = this.#contender
    const random = createRandom(`${policy.name} ${decision}`)
    // Nothing is logged here, so nobody needs the chances themselves; a floor is laid under them, and does.
    if (epsilon === 0 && policy.draw) return policy.draw(choices, this.#asOf(decision), random)
    return chooseSlate(policy, choices, this.#asOf(decision), { slots: 1, epsilon }, random)[0]!.candidate
  }

  decided(pending: Pending): void {
    if (this.#contender.update === 'provisional') this.#observe({ ...pending, reward: 0 }, 1)
  }

  outcome(pending: Pending): void {
    if (this.#contender.update === 'provisional') {
      if (pending.reward === 0) return
      this.#observe({ ...pending, reward: 0 }, -1)
    }
    this.#observe(pending, 1)
  }

  #observe({ arm, context, reward, decision }: Pending, sign: 1 | -1): void {
    const { policy, halfLife } = this.#contender
    const key = policy.armOf(arm)
    let sums = this.#sums.get(key)
    if (!sums) {
      sums = new Float64Array(policy.width(this.#features))
      this.#sums.set(key, sums)
    }
    const weight = sign * fadingWeight(decision, this.#reference, halfLife)
    policy.observe(sums, { features: context, reward, weight, seed: String(decision) })
  }

  /** Sums as they count now: the reference moves along, so that what is read needs no copy. */
  #asOf(decision: number): ReadonlyMap<string, Float64Array> {
    const { halfLife } = this.#contender
    if (halfLife === 0) return this.#sums
    // Exact at each read would cost a pass over all sums per decision; a twentieth of a half-life is near enough.
    if (decision - this.#reference < halfLife / 20) return this.#sums
    const next = Math.max(fadingReference(decision, this.#reference, halfLife), decision)
    for (const sums of this.#sums.values()) moveReference(sums, this.#reference, next, halfLife)
    this.#reference = next
    return this.#sums
  }
}
