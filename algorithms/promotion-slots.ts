/**
 * Gives places of a list to promoted rows, the n-th of them the n-th slot; all others keep their order around them. A promoted
 * row that stands at or above its slot anyway stays where it is: promotion never lowers. Slots beyond the list, and slots for
 * which nothing is promoted, stay with the list. Same length, no row twice. A new order.
 *
 * @param order rows, best first.
 * @param promoted distinct rows, most important first; those not in `order` push its last rows out.
 * @param slots places from 0, ascending.
 */
export function promotionSlots(order: Int32Array, promoted: Int32Array, slots: readonly number[]): Int32Array {
  const used = Math.min(promoted.length, slots.filter((slot) => slot < order.length).length)
  const places = new Map<number, number>()
  for (let place = 0; place < order.length; place++) places.set(order[place]!, place)
  const bySlot = new Map<number, number>()
  for (let n = 0; n < used; n++) if ((places.get(promoted[n]!) ?? order.length) > slots[n]!) bySlot.set(slots[n]!, promoted[n]!)
  // A row that stayed may be pushed below its slot by others: then it takes the slot. Each round settles one at least.
  for (;;) {
    const result = withSlots(order, bySlot)
    const late = [...promoted.subarray(0, used).entries()].find(([n, row]) => {
      const place = result.indexOf(row)
      return place < 0 || place > slots[n]!
    })
    if (late === undefined) return result
    bySlot.set(slots[late[0]]!, late[1])
  }
}

function withSlots(order: Int32Array, bySlot: ReadonlyMap<number, number>): Int32Array {
  const isPlaced = new Set(bySlot.values())
  const result = new Int32Array(order.length)
  let next = 0
  for (let place = 0; place < result.length; place++) {
    const row = bySlot.get(place)
    while (row === undefined && isPlaced.has(order[next]!)) next++
    result[place] = row ?? order[next++]!
  }
  return result
}
