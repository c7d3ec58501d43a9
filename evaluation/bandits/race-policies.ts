import { chooseSlate } from '../../algorithms/bandits/choose-slate.ts'
import { fadingReference, fadingWeight, moveReference } from '../../algorithms/bandits/fading-weight.ts'
import type { Choices, Observation, Policy } from '../../algorithms/bandits/policy.ts'
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

/**
 * Lets contenders decide for every person of a world in turn, each by what it has learned itself; all meet the same people, luck and
 * delays, and none hears of the others. Draws are seeded by the policy's name and the decision. Answers a run per contender.
 */
export function race(options: WorldOptions, contenders: readonly Contender[], points = 50): RaceRun[] {
  const world = new BanditWorld(options)
  const runners = contenders.map((contender) => new Runner(contender, options.features, points))
  for (let decision = 0; decision < options.decisions; decision++) {
    const context = world.contextOf(decision)
    const available = world.availableAt(decision)
    const rates = Float64Array.from(available, (arm) => world.rateOf(arm, context, decision))
    const features = new Float64Array(available.length * context.length)
    for (let arm = 0; arm < available.length; arm++) features.set(context, arm * context.length)
    const arms = available.map((arm) => world.arms[arm]!)
    const person = {
      decision,
      context,
      rates,
      best: Math.max(...rates),
      luck: world.luckOf(decision),
      point: Math.floor((decision * points) / options.decisions),
    }
    for (const runner of runners) runner.meet(person, { arms, features, width: context.length, decisions: decision })
  }
  return runners.map((runner) => runner.run)
}

/** Someone to decide for, and what would come of it. */
interface Person {
  readonly decision: number
  readonly context: Float64Array
  /** Chance of a click on each arm there is. */
  readonly rates: Float64Array
  readonly best: number
  readonly luck: { readonly uniform: number; readonly delay: number }
  readonly point: number
}

/** One contender under way. */
class Runner {
  readonly #learner: Learner
  readonly #regret: Float64Array
  /** What is known later, by the decision at which it is. */
  readonly #due = new Map<number, Pending[]>()
  #lost = 0
  #reward = 0
  #expected = 0

  constructor(contender: Contender, features: number, points: number) {
    this.#learner = new Learner(contender, features)
    this.#regret = new Float64Array(points)
  }

  meet({ decision, context, rates, best, luck, point }: Person, choices: Choices): void {
    for (const pending of this.#due.get(decision) ?? []) this.#learner.outcome(pending)
    this.#due.delete(decision)
    const chosen = this.#learner.choose(choices)
    const reward = luck.uniform < rates[chosen]! ? 1 : 0
    this.#lost += best - rates[chosen]!
    this.#reward += reward
    this.#expected += rates[chosen]!
    this.#regret[point] = this.#lost
    const pending = { arm: choices.arms[chosen]!, context, reward, decision }
    this.#learner.decided(pending)
    if (luck.delay === 0) this.#learner.outcome(pending)
    else this.#wait(decision + luck.delay, pending)
  }

  get run(): RaceRun {
    return { regret: this.#regret, reward: this.#reward, expected: this.#expected }
  }

  #wait(until: number, pending: Pending): void {
    const others = this.#due.get(until)
    if (others) others.push(pending)
    else this.#due.set(until, [pending])
  }
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

  choose(choices: Choices): number {
    const { policy, epsilon } = this.#contender
    const random = createRandom(`${policy.name} ${choices.decisions}`)
    const known = this.#asOf(choices.decisions)
    // Nothing is logged here, so nobody needs the chances themselves; a floor is laid under them, and does.
    if (epsilon === 0 && policy.draw) return policy.draw(choices, known, random)
    return chooseSlate(policy, choices, known, { slots: 1, epsilon }, random)[0]!.candidate
  }

  decided(pending: Pending): void {
    if (this.#contender.update === 'provisional') this.#observe({ ...pending, reward: 0 })
  }

  outcome(pending: Pending): void {
    if (this.#contender.update === 'hold') this.#observe(pending)
    else if (pending.reward !== 0) this.#correct(pending)
  }

  #observe(pending: Pending): void {
    this.#contender.policy.observe(this.#sumsOf(pending.arm), this.#observationOf(pending))
  }

  /** What was assumed is taken back, and what came is learned. */
  #correct(pending: Pending): void {
    const { policy } = this.#contender
    const sums = this.#sumsOf(pending.arm)
    const observation = this.#observationOf(pending)
    if (policy.correct) policy.correct(sums, observation, 0)
    else {
      policy.observe(sums, { ...observation, reward: 0, weight: -observation.weight })
      policy.observe(sums, observation)
    }
  }

  #sumsOf(arm: string): Float64Array {
    const { policy } = this.#contender
    const key = policy.armOf(arm)
    let sums = this.#sums.get(key)
    if (!sums) {
      sums = new Float64Array(policy.width(this.#features))
      this.#sums.set(key, sums)
    }
    return sums
  }

  #observationOf({ context, reward, decision }: Pending): Observation {
    const weight = fadingWeight(decision, this.#reference, this.#contender.halfLife)
    return { features: context, reward, weight, seed: String(decision) }
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
