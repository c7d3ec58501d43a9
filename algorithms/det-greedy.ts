import { GroupQueues } from './group-queues.ts'

/** How a place that no minimum claims is given away. */
export type DetRule = 'greedy' | 'conservative' | 'relaxed'

/** k · share a little off a whole number by rounding counts as that number. */
const rounding = 1e-9

/**
 * DetGreedy, DetCons and DetRelaxed (Geyik, Ambler, Kenthapadi, KDD 2019): at place k a group below ⌊k · share⌋ gets it, the
 * best head first; else one below ⌈k · share⌉: `greedy` by best head, `conservative` by the smallest ⌈k · share⌉ / share,
 * `relaxed` by the smallest ⌈⌈k · share⌉ / share⌉, then best head. A group that is used up drops out. From four groups on all
 * three can miss a minimum; `detConstSort` cannot.
 *
 * @param order rows, best first.
 * @param groups group by row, 0 … shares.length − 1; a negative group takes part only when all others are used up.
 * @param shares wanted share of each group, summing to 1.
 * @param options `count` rows wanted; `rule` (greedy).
 */
export function detGreedy(
  order: Int32Array,
  groups: Int32Array,
  shares: Float64Array,
  options: { readonly count: number; readonly rule?: DetRule },
): Int32Array {
  const { rule = 'greedy' } = options
  const queues = new GroupQueues(order, groups, shares.length)
  const counts = new Int32Array(shares.length)
  const chosen = new Int32Array(Math.max(0, Math.min(options.count, order.length)))
  for (let n = 0; n < chosen.length; n++) {
    const group = groupFor(n + 1, queues, counts, shares, rule)
    if (group >= 0) counts[group]!++
    chosen[n] = queues.take(group)
  }
  return chosen
}

/** The group that gets place `k` (from 1); -1 = none has anything left. */
function groupFor(k: number, queues: GroupQueues, counts: Int32Array, shares: Float64Array, rule: DetRule): number {
  let due = -1
  let open = -1
  let openCost = Number.POSITIVE_INFINITY
  let any = -1
  for (let group = 0; group < shares.length; group++) {
    if (queues.isEmpty(group)) continue
    const share = shares[group]!
    const most = Math.ceil(k * share - rounding)
    if (queues.isBetter(group, any)) any = group
    if (counts[group]! < Math.floor(k * share + rounding)) {
      if (queues.isBetter(group, due)) due = group
    } else if (counts[group]! < most) {
      const cost = rule === 'greedy' ? 0 : rule === 'conservative' ? most / share : Math.ceil(most / share - rounding)
      if (cost > openCost + rounding || (cost > openCost - rounding && !queues.isBetter(group, open))) continue
      open = group
      openCost = cost
    }
  }
  return due >= 0 ? due : open >= 0 ? open : any
}
