import { spenderHalfLifeMs, spendStep } from '../algorithms/spend-ranks.ts'
import { sumTiles } from '../algorithms/tiles.ts'
import type { UserState } from '../schemas/user-state.ts'
import { quarterTiles } from './user-fold.ts'

const windowMs = 90 * 86_400_000

/** Somebody as one of the buyers: what they spent in the 90 days before their last purchase, and when that was. */
export interface Spender {
  readonly spend: number
  readonly boughtMs: number
}

/** How many people are counted at a step of spending (spend-ranks.ts) by an event, decayed to its time; below 0, they are taken back. */
export interface SpenderMove {
  readonly step: number
  readonly people: number
}

/** The person as a buyer; null for somebody who spent nothing. */
export function spenderOf({ purchasedMs, dayIndices, dayValues }: UserState): Spender | null {
  const boughtMs = purchasedMs.at(-1)
  if (boughtMs === undefined) return null
  const spend = sumTiles({ indices: dayIndices, values: dayValues }, boughtMs, windowMs, quarterTiles)[1]!
  return spend > 0 ? { spend, boughtMs } : null
}

/** What a purchase at `timeMs` moved among buyers: the person is no longer what they were, but what they are. */
export function spenderMoves(before: Spender | null, after: Spender | null, timeMs: number): readonly SpenderMove[] {
  const move = ({ spend, boughtMs }: Spender, by: 1 | -1): SpenderMove => {
    return { step: spendStep(spend), people: by * 2 ** ((boughtMs - timeMs) / spenderHalfLifeMs) }
  }
  return [...(before ? [move(before, -1)] : []), ...(after ? [move(after, 1)] : [])]
}
