import type { AttributionOptions } from '../../operators/shopper-fold.ts'
import type { Decision } from '../../schemas/decision.ts'
import type { RevenueTile } from '../../schemas/revenue-tile.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import { emptySpending, type VariantSpending } from '../../schemas/variant-revenue.ts'
import { tailsOf } from './experiments-definition.ts'

/** What attribution should say of a log, computed from whole histories, without state, batches or timers. */
export interface RevenueDefinition {
  /** Sums by `<tile start>` for the shop, by `<tile start> <surface> <source> <policy>` and `<tile start> of <category>`; only those above 0. */
  readonly sums: Map<string, Record<string, number>>
  /** By `<experiment>/<variant>`. */
  readonly variants: Map<string, Omit<VariantSpending, 'variant'>>
  readonly segments: Map<string, object>
}

type Entry = { readonly timeMs: number; readonly id: string } & ({ readonly shown: Decision } | { readonly done: UserEvent })
type Place = { readonly surface: string; readonly source: string; readonly policy: string }
type Touched = Place & { readonly listId: string; readonly itemId: string; readonly timeMs: number; readonly isFirst: boolean }

const dayMs = 86_400_000
/** What is remembered of a person; nobody in these tests touches or carts more than is. */
const showingsMax = 32

/** Records that are neither late nor repeats: what `topic` brought in log order. */
export function onTime<T extends { readonly timeMs: number }>(
  records: readonly T[],
  idOf: (record: T) => string,
  latenessMs: number,
): T[] {
  const seen = new Set<string>()
  let newestMs = Number.NEGATIVE_INFINITY
  return records.filter((record) => {
    const isLate = record.timeMs < newestMs - latenessMs
    newestMs = Math.max(newestMs, record.timeMs)
    const name = `${idOf(record)} ${record.timeMs}`
    if (isLate || seen.has(name)) return false
    seen.add(name)
    return true
  })
}

/** Everything before `untilMs`, event time, as the options say. */
export function revenueOf(
  decisions: readonly Decision[],
  events: readonly UserEvent[],
  untilMs: number,
  options: AttributionOptions,
): RevenueDefinition {
  const result: RevenueDefinition = { sums: new Map(), variants: new Map(), segments: new Map() }
  const entries: (Entry & { readonly userId: string })[] = [
    ...decisions.map((shown) => ({ timeMs: shown.timeMs, id: shown.decisionId, userId: shown.userId, shown })),
    ...events.map((done) => ({ timeMs: done.timeMs, id: done.eventId, userId: done.userId, done })),
  ]
  const known = entries.filter(({ timeMs }) => timeMs < untilMs)
  known.sort((a, b) => a.timeMs - b.timeMs || Number('done' in a) - Number('done' in b) || (a.id < b.id ? -1 : 1))
  const months = new Map<string, number[]>()
  for (const [userId, own] of Map.groupBy(known, (entry) => entry.userId)) {
    addPerson(result, userId, own, untilMs, options)
    addWindows(result.variants, months, own, untilMs)
  }
  for (const [name, spent] of months) {
    const monthTails = tailsOf(spent.map((revenue) => ({ revenue, pastPurchases: 0 })))
    result.variants.set(name, { ...result.variants.get(name)!, monthTails })
  }
  return result
}

/** What a person did in the first 7, 28 and 30 days after their first showing in each experiment, if these are over. */
function addWindows(
  variants: RevenueDefinition['variants'],
  months: Map<string, number[]>,
  own: readonly Entry[],
  untilMs: number,
): void {
  const seen = new Set<string>()
  own.forEach((entry, at) => {
    for (const { experiment, variant } of 'shown' in entry ? entry.shown.assignments : []) {
      if (seen.has(experiment)) continue
      seen.add(experiment)
      const name = `${experiment}/${variant}`
      const sums = variants.get(name)!
      const spentIn = (days: number) =>
        own
          .slice(at)
          .flatMap((other) => ('done' in other && other.timeMs <= entry.timeMs + days * dayMs ? [other.done] : []))
          .filter(({ type }) => type === 'purchase')
          .map(({ price, quantity }) => (price === null ? 0 : Math.round(price * 100) * (quantity ?? 1)))
      if (entry.timeMs + 7 * dayMs < untilMs) {
        sums.weekPeople++
        sums.weekBuyers += Math.min(1, spentIn(7).length)
      }
      if (entry.timeMs + 28 * dayMs < untilMs) {
        const [fromMs, toMs] = [entry.timeMs + 21 * dayMs, entry.timeMs + 28 * dayMs]
        sums.fourWeeksPeople++
        if (own.some((other) => 'done' in other && other.timeMs >= fromMs && other.timeMs <= toMs)) sums.retained++
      }
      if (entry.timeMs + 30 * dayMs < untilMs) {
        const spent = spentIn(30).reduce((sum, cents) => sum + cents, 0)
        sums.monthPeople++
        sums.monthRevenue += spent
        sums.monthRevenueSquared += spent ** 2
        months.set(name, [...(months.get(name) ?? []), spent])
      }
    }
  })
}

function addPerson(
  result: RevenueDefinition,
  userId: string,
  own: readonly Entry[],
  untilMs: number,
  options: AttributionOptions,
): void {
  const tileOf = (timeMs: number) => timeMs - (timeMs % options.tileMs)
  const addTo = (name: string, field: string, value: number) => {
    const row = result.sums.get(name) ?? {}
    if (value > 0) result.sums.set(name, { ...row, [field]: (row[field] ?? 0) + value })
  }
  const add = (timeMs: number, place: Place | null, field: string, value: number) =>
    addTo(
      place === null ? `${tileOf(timeMs)}` : `${tileOf(timeMs)} ${place.surface} ${place.source} ${place.policy}`,
      field,
      value,
    )
  const placeIn = (shown: Decision, itemId: string): Place | null => {
    const slot = shown.slots.find((other) => other.itemId === itemId)
    return slot ? { surface: shown.surface, source: slot.source, policy: shown.policy } : null
  }

  const touches: Touched[] = []
  const variants = new Map<string, { readonly name: string; spent: number; buys: number }>()
  const orders: number[] = []
  const credited: Set<string>[] = []
  let lastPurchaseMs = Number.NEGATIVE_INFINITY
  let spent = 0
  const carts = new Map<string, { readonly timeMs: number; readonly place: Place | null }>()
  const standings: { atMs: number; orders: number; spent: number }[] = []
  const abandon = (line: { readonly timeMs: number; readonly place: Place | null }) => {
    add(line.timeMs, null, 'abandoned', 1)
    if (line.place) add(line.timeMs, line.place, 'abandoned', 1)
  }

  own.forEach((entry, at) => {
    const { timeMs } = entry
    if ('shown' in entry) {
      add(timeMs, null, 'lists', 1)
      for (const { itemId, source } of entry.shown.slots)
        add(timeMs, { surface: entry.shown.surface, source, policy: entry.shown.policy }, 'slots', itemId === '' ? 0 : 1)
      for (const { experiment, variant } of entry.shown.assignments) {
        if (variants.has(experiment)) continue
        const name = `${experiment}/${variant}`
        variants.set(experiment, { name, spent: 0, buys: 0 })
        const { variant: _variant, ...nobody } = emptySpending(variant)
        const sums = result.variants.get(name) ?? nobody
        result.variants.set(name, { ...sums, people: sums.people + 1 })
      }
      return
    }
    const { itemId, listId, type, price, quantity, category } = entry.done
    const showings = own
      .slice(0, at)
      .flatMap((other) => ('shown' in other ? [other.shown] : []))
      .slice(-showingsMax)
    if (itemId !== null && listId !== null && ['view', 'click', 'like', 'add_to_cart', 'purchase'].includes(type)) {
      const again = touches.findLast((touch) => touch.listId === listId && touch.itemId === itemId)
      const from = showings.findLast(
        (shown) => shown.listId === listId && placeIn(shown, itemId) && timeMs - shown.timeMs <= options.viewWindowMs,
      )
      if (again && timeMs - again.timeMs <= options.clickWindowMs) touches.push({ ...again, timeMs, isFirst: false })
      else if (from) {
        touches.push({ ...placeIn(from, itemId)!, itemId, listId, timeMs, isFirst: true })
        add(timeMs, placeIn(from, itemId), 'touched', 1)
      }
    }
    // Of each list the newest touch only, oldest first.
    const newest = touches.filter(
      (touch, place) =>
        touch.itemId === itemId &&
        timeMs - touch.timeMs <= options.clickWindowMs &&
        !touches.slice(place + 1).some((later) => later.listId === touch.listId && later.itemId === itemId),
    )
    const last = newest.at(-1) ?? null
    const open = itemId === null ? undefined : carts.get(itemId)
    const isOpen = open !== undefined && timeMs - open.timeMs <= options.cartWindowMs
    if (type === 'add_to_cart' && !isOpen) {
      if (open) abandon(open)
      carts.set(itemId!, { timeMs, place: last })
      add(timeMs, null, 'carts', 1)
      if (last) add(timeMs, last, 'carts', 1)
    }
    if (type === 'purchase') {
      const addBought = (field: string, value: number) => addTo(`${tileOf(timeMs)} of ${category[0] ?? ''}`, field, value)
      if (open && !isOpen) abandon(open)
      if (isOpen) add(open.timeMs, null, 'bought', 1)
      if (isOpen && open.place) add(open.timeMs, open.place, 'bought', 1)
      carts.delete(itemId!)
      const cents = price === null ? 0 : Math.round(price * 100) * (quantity ?? 1)
      if (timeMs - lastPurchaseMs > 1_800_000) {
        orders.push(timeMs)
        credited.push(new Set())
        add(timeMs, null, 'orders', 1)
      }
      lastPurchaseMs = timeMs
      spent += cents
      add(timeMs, null, 'purchases', 1)
      add(timeMs, null, 'revenue', cents)
      if (price === null) add(timeMs, null, 'unpriced', 1)
      addBought('purchases', 1)
      addBought('revenue', cents)
      if (last) {
        add(timeMs, last, 'purchases', 1)
        add(timeMs, last, 'lastTouch', cents)
        addBought('credited', cents)
        const name = `${last.surface} ${last.source} ${last.policy}`
        if (!credited.at(-1)!.has(name)) add(timeMs, last, 'orders', 1)
        credited.at(-1)!.add(name)
        const weights = newest.map((touch) => 0.5 ** ((timeMs - touch.timeMs) / options.halfLifeMs))
        for (const [place, part] of partsOf(cents, weights).entries()) add(timeMs, newest[place]!, 'timeDecayed', part)
      } else {
        const seen = showings.findLast((shown) => placeIn(shown, itemId!) && timeMs - shown.timeMs <= options.viewWindowMs)
        if (seen) add(timeMs, placeIn(seen, itemId!), 'viewThrough', cents)
        if (seen) addBought('viewThrough', cents)
      }
      for (const own of variants.values()) {
        const sums = result.variants.get(own.name)!
        sums.revenue += cents
        sums.revenueSquared += (own.spent + cents) ** 2 - own.spent ** 2
        if (own.buys++ === 0) sums.buyers++
        own.spent += cents
      }
      standings.push({ atMs: timeMs, orders: orders.length, spent })
    }
  })
  for (const line of carts.values()) if (line.timeMs + options.cartWindowMs < untilMs) abandon(line)
  const events = own.flatMap((entry) => ('done' in entry ? [entry.done] : []))
  const moved = lastMove(events, orders, standings, untilMs)
  if (moved) result.segments.set(userId, { userId, ...moved })
}

/** The last time that somebody's segment or purchases moved: every moment at which they may is looked at. */
function lastMove(
  events: readonly UserEvent[],
  orders: readonly number[],
  standings: readonly { atMs: number; orders: number; spent: number }[],
  untilMs: number,
): object | null {
  const moments = new Set<number>()
  for (const { timeMs } of events) for (const afterMs of [0, 7 * dayMs + 1, 30 * dayMs, 90 * dayMs]) moments.add(timeMs + afterMs)
  for (const orderMs of orders) moments.add(orderMs + 90 * dayMs)
  let segment: string | null = null
  let previous: string | null = null
  let move: object | null = null
  for (const atMs of [...moments].filter((momentMs) => momentMs < untilMs).sort((a, b) => a - b)) {
    const upTo = events.filter(({ timeMs }) => timeMs <= atMs)
    const lastMs = upTo.at(-1)!.timeMs
    // Several events of one moment move one after the other.
    const items = (count: number) => new Set(upTo.slice(0, count).flatMap(({ itemId }) => itemId ?? [])).size
    const ofMoment = upTo.filter(({ timeMs }) => timeMs === atMs).length
    for (let count = upTo.length - Math.max(0, ofMoment - 1); count <= upTo.length; count++) {
      const bought = standings.filter((_, at) => upTo.slice(0, count).filter(({ type }) => type === 'purchase').length > at)
      const standing = bought.at(-1) ?? { orders: 0, spent: 0 }
      const recent = orders.slice(0, standing.orders).filter((orderMs) => atMs - orderMs < 90 * dayMs).length
      const idleDays = (atMs - lastMs) / dayMs
      const now =
        idleDays >= 90
          ? 'lost'
          : idleDays >= 30
            ? 'lapsing'
            : items(count) < 5
              ? 'new'
              : recent >= 3
                ? 'loyal'
                : idleDays <= 7
                  ? 'active'
                  : 'quiet'
      const isPurchase = ofMoment > 0 && upTo[count - 1]!.type === 'purchase'
      if (now === segment && !isPurchase) continue
      if (now !== segment) previous = segment
      segment = now
      const { orders: orderCount, spent: revenue } = standing
      move = { segment, previous, firstMs: events[0]!.timeMs, lastMs, orders: orderCount, revenue, timeMs: atMs }
    }
  }
  return move
}

/** Whole parts by the largest remainder, one unit at a time to whom most is still due. */
function partsOf(units: number, weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const due = weights.map((weight) => (units * weight) / total)
  const parts = due.map((share) => Math.trunc(share))
  while (parts.reduce((sum, part) => sum + part, 0) < units) {
    const most = Math.max(...due.map((share, at) => share - parts[at]!))
    parts[due.findIndex((share, at) => share - parts[at]! === most)]!++
  }
  return parts
}

/** Tiles in the form of the definition. */
export function sumsOf(tiles: readonly RevenueTile[]): RevenueDefinition['sums'] {
  const named = tiles.flatMap(({ startMs: atMs, total, rows, categories }) => [
    [`${atMs}`, { ...total }] as const,
    ...rows.map(({ surface, source, policy, ...row }) => [`${atMs} ${surface} ${source} ${policy}`, row] as const),
    ...categories.map(({ category, ...sums }) => [`${atMs} of ${category}`, sums] as const),
  ])
  const above0 = named.map(([name, row]) => [name, Object.fromEntries(Object.entries(row).filter(([, sum]) => sum > 0))] as const)
  return new Map(above0.filter(([, row]) => Object.keys(row).length > 0))
}
