import type { Chances, Policy } from '../algorithms/bandits/policy.ts'
import type { PolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { createRandom } from '../core/random.ts'
import { learnedName } from '../schemas/bandit-update.ts'
import type { Exploration } from '../schemas/exploration.ts'
import {
  drawExploration,
  type ExplorationDraw,
  type ExplorationQuestion,
  type Knowing,
  marginalChances,
  type SlotMarginals,
} from './exploration-chances.ts'
import { type ExplorationSegment, segmentOf } from './exploration-segment.ts'
import type { ListDraft } from './list-draft.ts'
import type { BanditTable } from './tables/bandit-table.ts'

export interface DrawOptions {
  readonly enabled: boolean
  /** Where its lists are shown: exploration can be turned off there while it runs. */
  readonly surface: string
  /** The list policy under which outcomes are counted. */
  readonly policy: string
  /** The bandit policy that draws, and what it draws. */
  readonly explorer: PolicyVersion
  /** Share of draws spread evenly, 0–1: no arm's chance falls below epsilon / arms, so no estimate divides by nearly 0. */
  readonly epsilon: number
  /** Share of lists that explore, 0–1. */
  readonly share: number
  /** Whose rewards a list draws with. */
  readonly segmentBy: ExplorationSegment
  /** Slates from which the marginal chances of a slate are counted where they cannot be had exactly; 0 = they are not told. */
  readonly marginalDraws: number
}

/** Policies and sets of arms whose state and chances are remembered until a posterior moves. */
const remembered = 1024
/** Sums that fade are read as of one of so many moments of a half-life. */
const fadeSteps = 64

/** Draws arms for lists by what the log told until now, and tells all that a replay needs. */
export class ExplorationDrawer {
  readonly #bandit: BanditTable
  readonly #options: DrawOptions
  readonly #known = new Map<string, Knowing>()
  #version = -1

  constructor(bandit: BanditTable, options: DrawOptions) {
    this.#bandit = bandit
    this.#options = options
  }

  /** Whether a list is one of the share that explores, where that is on. */
  explores({ listId }: ListDraft): boolean {
    const { enabled, share, surface } = this.#options
    return enabled && this.#bandit.mayExplore(surface) && (share >= 1 || createRandom(`explore share ${listId}`).next() < share)
  }

  /** What is drawn for a list from these arms, and what is told of it. */
  draw(
    draft: ListDraft,
    asked: Omit<ExplorationQuestion, 'epsilon'>,
  ): ExplorationDraw & { readonly told: Omit<Exploration, 'slot'> } {
    const { epsilon, explorer } = this.#options
    const segment = this.#segmentOf(draft)
    const fadedToMs = this.#fadedTo(draft.update.eventTimeMs)
    const known = this.#knownOf(segment, fadedToMs)
    const question = { ...asked, epsilon }
    const draw = drawExploration(known, question, draft.listId)
    const told = {
      ...question,
      ...this.#marginalsOf(known, question, draw, draft.listId),
      over: known.over,
      policy: known.policy.name,
      version: explorer.version,
      segment,
      chances: [...draw.chances.values],
      draws: draw.chances.draws,
      learned: known.learned.rows,
      fadedToMs,
    }
    return { ...draw, told }
  }

  #segmentOf(draft: ListDraft): string {
    const { segmentBy, explorer, policy } = this.#options
    // Another version of the network means other numbers by its last layer, among those who share a segment too.
    const network = explorer.isContextual && explorer.itemContext === 'hidden' ? `@${draft.modelVersion}` : ''
    const segment = `${segmentOf(draft, segmentBy)}${network}`
    const admitted = this.#bandit.admit(policy, { policy: explorer.policy.name, version: explorer.version, segment })
    return admitted === segment ? segment : `${admitted}${network}`
  }

  #marginalsOf(known: Knowing, question: ExplorationQuestion, draw: ExplorationDraw, listId: string): SlotMarginals {
    const draws = this.#options.marginalDraws
    if (known.over !== 'slate' || draws === 0) return { marginals: [], marginalDraws: 0 }
    return marginalChances(known, question, draw, { draws, listId })
  }

  #fadedTo(nowMs: number): number {
    const { halfLifeMs } = this.#options.explorer
    if (halfLifeMs === 0) return 0
    const step = halfLifeMs / fadeSteps
    return Math.floor(Math.floor(nowMs / step) * step)
  }

  /** What the policy knows for a segment. Without a context equal arms have equal chances, and such policies draw nothing while they make them. */
  #knownOf(segment: string, fadedToMs: number): Knowing {
    const { explorer, policy } = this.#options
    if (this.#bandit.version !== this.#version || this.#known.size >= remembered) {
      this.#known.clear()
      this.#version = this.#bandit.version
    }
    const key = `${fadedToMs}/${segment}`
    let known = this.#known.get(key)
    if (!known) {
      const name = learnedName(policy, { policy: explorer.policy.name, version: explorer.version, segment })
      const learned = this.#bandit.learned(name, fadedToMs, explorer.halfLifeMs)
      known = { ...explorer, learned, policy: explorer.isContextual ? explorer.policy : remembering(explorer.policy) }
      this.#known.set(key, known)
    }
    return known
  }
}

/** A policy that is asked once for each set of arms. */
function remembering(policy: Policy): Policy {
  const known = new Map<string, Chances>()
  return {
    ...policy,
    chances: (choices, sums, random) => {
      const key = choices.arms.join()
      const chances = known.get(key) ?? policy.chances(choices, sums, random)
      if (known.size >= remembered) known.clear()
      known.set(key, chances)
      return chances
    },
  }
}
