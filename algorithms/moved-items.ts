/** One item that comes to stand elsewhere. */
export interface MovedTo {
  readonly item: number
  /** The item it comes to stand before; null: at the end. */
  readonly before: number | null
}

/**
 * The fewest moves that make one order of another: items of the longest run that keeps its order stay, all others move, in an order in
 * which each finds the one behind it in place. What is new at the end comes first, as it follows.
 *
 * @param before each item once; those that `after` does not have are left out beforehand.
 * @param after each item once; may have new ones.
 */
export function movedItems(before: readonly number[], after: readonly number[]): MovedTo[] {
  const places = new Map(before.map((item, place) => [item, place]))
  const numbers = after.map((item) => places.get(item) ?? -1)
  const old = numbers.filter((number) => number >= 0)
  const isInOrder = old.every((number, at) => at === 0 || number > old[at - 1]!)
  const stays = isInOrder ? numbers.map((number) => number >= 0) : longestRun(numbers)
  let end = after.length
  while (end > 0 && !stays[end - 1]) end--
  const moves: MovedTo[] = after.slice(end).map((item) => ({ item, before: null }))
  for (let at = end - 1; at >= 0; at--) if (!stays[at]) moves.push({ item: after[at]!, before: after[at + 1]! })
  return moves
}

/** Which numbers are part of the longest ascending run, negative ones never. Quadratic: a list has tens of items. */
function longestRun(numbers: readonly number[]): boolean[] {
  const lengths = numbers.map((number) => Math.min(number + 1, 1))
  const previous = numbers.map(() => -1)
  let last = -1
  for (let at = 0; at < numbers.length; at++) {
    if (lengths[at] === 0) continue
    for (let other = 0; other < at; other++) {
      if (lengths[other]! === 0 || numbers[other]! > numbers[at]! || lengths[other]! < lengths[at]!) continue
      lengths[at] = lengths[other]! + 1
      previous[at] = other
    }
    if (last < 0 || lengths[at]! > lengths[last]!) last = at
  }
  const stays = numbers.map(() => false)
  for (; last >= 0; last = previous[last]!) stays[last] = true
  return stays
}
