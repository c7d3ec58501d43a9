import { fadingWeight } from '../../algorithms/bandits/fading-weight.ts'
import type { ArmSums } from '../../algorithms/bandits/policy.ts'
import type { NewcomerTrials } from '../../algorithms/candidates/newcomer-candidates.ts'
import type { Sourced } from '../../ports/batch.ts'
import { type BanditUpdate, type Explorer, learnedName, newcomerArm, wholePolicy } from '../../schemas/bandit-update.ts'
import type { ExplorationStop } from '../../schemas/exploration-stop.ts'

/** A Beta posterior of one arm. */
export interface ArmPosterior {
  readonly alpha: number
  readonly beta: number
}

/** What a bandit policy has learned, as far as the log told it. */
export interface Learned {
  /** By arm; those that nothing is kept of are not in it. */
  readonly sums: ArmSums
  /** Rewards in it. */
  readonly rewards: number
  /** Rows that moved it, corrections too: names this moment of it. */
  readonly rows: number
}

/** Segments of one version of a bandit policy that learn for themselves. */
const segmentsMax = 500
/** All others learn together, under this name. */
export const otherSegment = 'other'

/** Click-through while nothing was shown: 5 of 100. */
const unknownRate: ArmPosterior = { alpha: 5, beta: 95 }
const prior: ArmPosterior = { alpha: 1, beta: 1 }

/**
 * `bandit-updates` as a table: the newest posterior of each arm of each policy, and the sums that bandit policies draw with; with the
 * surfaces that `exploration-stops` tells of.
 */
export class BanditTable {
  readonly #arms = new Map<string, ArmPosterior>()
  /** By `learnedName`. */
  readonly #learned = new Map<string, Learned & { readonly referenceMs: number }>()
  /** Segments that learned or drew here, by the `learnedName` of everybody's. */
  readonly #segments = new Map<string, Set<string>>()
  readonly #stops = new Map<string, ExplorationStop>()
  #shared = 0

  #version = 0

  /** Grows whenever a posterior moves. */
  get version(): number {
    return this.#version
  }

  /** Surfaces on which nothing is drawn until somebody turns exploration on again. */
  get stopped(): readonly string[] {
    return [...this.#stops.keys()]
  }

  /** Whether lists of a surface may explore. */
  mayExplore(surface: string): boolean {
    return !this.#stops.has(surface)
  }

  /** For a table of `exploration-stops`. */
  readonly stops = { apply: (records: readonly Sourced<ExplorationStop | null>[]) => this.#applyStops(records) }

  /** Draws that fell to `otherSegment`, as their version had its 500 segments already. */
  get shared(): number {
    return this.#shared
  }

  /**
   * The segment under which a list policy's explorer learns: the first 500 of a version keep their own, also over a restart; who comes
   * later shares one. What names a segment may be said by requests, and each costs sums in every process.
   */
  admit(policy: string, explorer: Explorer): string {
    const { segment } = explorer
    if (segment === '') return segment
    const known = this.#segmentsOf(policy, explorer)
    if (known.size < segmentsMax) known.add(segment)
    if (known.has(segment)) return segment
    this.#shared++
    return otherSegment
  }

  /** The posterior of an arm; Beta(1, 1) if nothing is known. */
  get(policy: string, arm: string): ArmPosterior {
    return this.#arms.get(`${policy}/${arm}`) ?? prior
  }

  /** What is kept under a `learnedName`, faded to `nowMs` by the half-life; 0 = nothing fades. */
  learned(name: string, nowMs: number, halfLifeMs: number): Learned {
    const known = this.#learned.get(name)
    if (!known) return { sums: new Map(), rewards: 0, rows: 0 }
    const weight = fadingWeight(known.referenceMs, nowMs, halfLifeMs)
    if (weight === 1) return known
    const faded = Array.from(known.sums, ([arm, sums]) => [arm, sums.map((value) => value * weight)] as const)
    return { ...known, sums: new Map(faded) }
  }

  /** Showings and clicks of new items in the exploration slot of a policy, and the click-through of all its slots. */
  newcomerTrials(policy: string): NewcomerTrials {
    const table = this
    return {
      of(itemId) {
        const { alpha, beta } = table.get(policy, newcomerArm(itemId))
        return { impressions: alpha + beta - 2, clicks: alpha - 1 }
      },
      get meanRate() {
        const { alpha, beta } = table.#arms.get(`${policy}/${wholePolicy}`) ?? unknownRate
        return alpha / (alpha + beta)
      },
    }
  }

  apply(records: readonly Sourced<BanditUpdate | null>[]): void {
    this.#version++
    for (const { key, value } of records) {
      if (value === null) this.#forget(key)
      else if (value.explorer.policy !== '') this.#learn(value)
      else this.#arms.set(`${value.policy}/${value.arm}`, { alpha: value.alpha, beta: value.beta })
    }
  }

  #applyStops(records: readonly Sourced<ExplorationStop | null>[]): void {
    for (const { key, value } of records) {
      if (value === null) this.#stops.delete(key)
      else this.#stops.set(key, value)
    }
  }

  #learn({ policy, explorer, learned, referenceMs, decisions, version }: BanditUpdate): void {
    // `policy` is the learned name, which ends in the segment.
    const listPolicy = policy.slice(0, policy.length - learnedName('', explorer).length)
    if (explorer.segment !== '') this.#segmentsOf(listPolicy, explorer).add(explorer.segment)
    const kept = learned.filter(({ sums }) => sums.length > 0)
    const sums = new Map(kept.map((arm) => [arm.arm, Float64Array.from(arm.sums)]))
    this.#learned.set(policy, { sums, rewards: decisions, rows: version, referenceMs })
  }

  #segmentsOf(policy: string, explorer: Explorer): Set<string> {
    const name = learnedName(policy, { ...explorer, segment: '' })
    const segments = this.#segments.get(name) ?? new Set()
    this.#segments.set(name, segments)
    return segments
  }

  #forget(key: string): void {
    this.#arms.delete(key)
    this.#learned.delete(key.slice(0, key.lastIndexOf('/')))
  }
}
