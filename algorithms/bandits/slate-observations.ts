/** What one slot of a shown slate says about its candidate. */
export interface SlotObservation {
  /** From 0. */
  readonly slot: number
  readonly reward: number
  readonly weight: number
}

/**
 * Cascade (Kveton, Szepesvári, Wen, Ashkan, ICML 2015): people look from the top and stop at the first click. What stands above it was
 * seen and refused, what stands below was not seen and says nothing; without a click all were seen.
 */
export function cascadeObservations(rewards: readonly number[]): SlotObservation[] {
  const first = rewards.findIndex((reward) => reward > 0)
  const seen = first < 0 ? rewards : rewards.slice(0, first + 1)
  return seen.map((reward, slot) => ({ slot, reward, weight: 1 }))
}

/**
 * Position-based (Richardson, Dominowska, Ragno, WWW 2007): slot k is looked at with chance `looked[k]` in (0, 1], and a click needs a
 * look. A click was seen for certain; a slot without one counts as far as it was seen, e(1 − γ)/(1 − eγ), with γ the rate that is
 * expected of a candidate that is seen (0: plain e). Slots beyond `looked` count like its last.
 */
export function positionObservations(rewards: readonly number[], looked: readonly number[], rate = 0): SlotObservation[] {
  return rewards.map((reward, slot) => {
    const chance = looked[Math.min(slot, looked.length - 1)] ?? 1
    return { slot, reward, weight: reward > 0 ? 1 : (chance * (1 - rate)) / (1 - chance * rate) }
  })
}
