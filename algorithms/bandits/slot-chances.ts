import type { Random } from '../../core/random.ts'
import { drawArm } from '../exploration.ts'

/** Chances to stand in a slot whatever stands above it. */
export interface SlotChances {
  /** Slots × candidates, row-major; each row sums to 1. */
  readonly values: Float64Array
  /** Slates they were counted from; 0 = exact. */
  readonly draws: number
}

/** Slates of `slots` out of `candidates`, drawn one after the other. */
export interface DrawnSlates {
  readonly candidates: number
  readonly slots: number
  /** Chances among the candidates that are left, in ascending order of number: they depend on which are left alone. */
  chancesAmong(left: readonly number[]): Float64Array
}

/**
 * The marginal chances of slots that are drawn without replacement: exact by the sum over all sets that may stand above a slot, where there are
 * no more of them than `draws`, else counted from `draws` slates by `random`; each set is asked about once. What was not drawn has 0 then.
 */
export function slotChances(slates: DrawnSlates, draws: number, random: Random): SlotChances {
  const known = new Map<string, Float64Array>()
  const remembered: DrawnSlates = {
    ...slates,
    chancesAmong: (left) => {
      const key = left.join()
      const chances = known.get(key) ?? slates.chancesAmong(left)
      known.set(key, chances)
      return chances
    },
  }
  return setsAbove(slates) <= draws ? { values: exactChances(remembered), draws: 0 } : countedChances(remembered, draws, random)
}

/** Sets that may stand above some slot: Σ (candidates over k), k below the number of slots. */
function setsAbove({ candidates, slots }: DrawnSlates): number {
  let sets = 0
  let ofSize = 1
  for (let size = 0; size < slots; size++) {
    sets += ofSize
    ofSize = (ofSize * (candidates - size)) / (size + 1)
  }
  return sets
}

function exactChances({ candidates, slots, chancesAmong }: DrawnSlates): Float64Array {
  const values = new Float64Array(slots * candidates)
  let level = new Map([[allOf(candidates).join(), { left: allOf(candidates), chance: 1 }]])
  for (let slot = 0; slot < slots; slot++) {
    const next: typeof level = new Map()
    for (const { left, chance } of level.values()) {
      const chances = chancesAmong(left)
      left.forEach((candidate, at) => {
        const reached = chance * chances[at]!
        values[slot * candidates + candidate]! += reached
        const rest = left.filter((other) => other !== candidate)
        const key = rest.join()
        next.set(key, { left: rest, chance: (next.get(key)?.chance ?? 0) + reached })
      })
    }
    level = next
  }
  return values
}

function countedChances({ candidates, slots, chancesAmong }: DrawnSlates, draws: number, random: Random): SlotChances {
  const values = new Float64Array(slots * candidates)
  for (let draw = 0; draw < draws; draw++) {
    let left = allOf(candidates)
    for (let slot = 0; slot < slots; slot++) {
      const taken = left[drawArm(chancesAmong(left), random.next())]!
      values[slot * candidates + taken]! += 1 / draws
      left = left.filter((other) => other !== taken)
    }
  }
  return { values, draws }
}

function allOf(candidates: number): number[] {
  return Array.from({ length: candidates }, (_, candidate) => candidate)
}
