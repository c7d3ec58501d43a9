import { MillraceError } from '../core/errors.ts'
import { createRandom, type Random } from '../core/random.ts'
import { eventTypes } from '../schemas/user-event.ts'
import { dataParts, type Observations } from './observations.ts'

/**
 * What is done with an event: nothing; learned without a question; asked for first; only seen, as part of the running visit; or
 * put before the algorithms as a question that none has to answer (`Recommender.face`).
 */
export const roles = { skip: 0, learn: 1, judge: 2, context: 3, face: 4 } as const

/** In which order the events are taken, and what is done with each. */
export interface Plan {
  /** Rows of the observations. */
  readonly order: Int32Array
  /** Per place in `order` one of `roles`. */
  readonly roles: Uint8Array
  /** Whether an event that was judged is learned afterwards. */
  readonly updates: boolean
}

export const protocols = ['prequential', 'split', 'leave-last-out', 'k-fold', 'basket'] as const
export type Protocol = (typeof protocols)[number]

export interface PlanOptions {
  /** Of `split` and `leave-last-out`: what is judged. `valid` never touches the test part. */
  readonly part: 'valid' | 'test'
  /** Of `split`: learn each event after it was judged, in order of time over all sessions. */
  readonly updates: boolean
  /** Of `split` where the data has no parts: this share of the last sessions is judged. */
  readonly lastShare: number
  /** Of `prequential` and `basket`: events before this share of all are learned without being judged. */
  readonly warmShare: number
  /** Of `k-fold`: folds. */
  readonly folds: number
  readonly seed: number
  /** Only events of these types are judged; all if empty. */
  readonly judgedTypes: readonly string[]
}

/** The passes over the data that a protocol asks for: one, or one per fold. Errors: `MILL_USAGE`. */
export function plansOf(protocol: Protocol, data: Observations, options: PlanOptions): Plan[] {
  switch (protocol) {
    case 'prequential':
      return [prequentialPlan(data, options)]
    case 'split':
      return [splitPlan(data, options)]
    case 'leave-last-out':
      return [leaveLastOutPlan(data, options)]
    case 'k-fold':
      return foldPlans(data, options)
    case 'basket':
      return [basketPlan(data, options)]
  }
}

function rowsInOrder(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row)
}

/** Whether a row is of a type that is judged; all are if `types` is empty. */
function judgedRows(data: Observations, types: readonly string[]): (row: number) => boolean {
  if (types.length === 0) return () => true
  const wanted = new Uint8Array(eventTypes.length)
  for (const type of types) wanted[eventTypes.indexOf(type as never)] = 1
  return (row) => wanted[data.types[row]!] === 1
}

function prequentialPlan(data: Observations, { warmShare, judgedTypes }: PlanOptions): Plan {
  const judged = judgedRows(data, judgedTypes)
  const warm = Math.floor(data.count * warmShare)
  const order = rowsInOrder(data.count)
  return {
    order,
    roles: Uint8Array.from(order, (row) => (row >= warm && judged(row) ? roles.judge : roles.learn)),
    updates: true,
  }
}

function splitPlan(data: Observations, options: PlanOptions): Plan {
  const judged = judgedRows(data, options.judgedTypes)
  const parts = data.parts.some((part) => part > 0) ? data.parts : lastSessions(data, options.lastShare)
  const has = (part: 'valid' | 'test') => parts.includes(dataParts.indexOf(part))
  const { part } = options
  if (!has(part))
    throw new MillraceError('MILL_USAGE', `the data has no ${part} part; --part ${part === 'test' ? 'valid' : 'test'}`)
  const order = rowsInOrder(data.count)
  const wanted = dataParts.indexOf(part)
  const role = (row: number) => {
    if (parts[row] === wanted) return judged(row) ? roles.judge : roles.context
    return parts[row] === 0 ? roles.learn : roles.skip
  }
  return { order, roles: Uint8Array.from(order, role), updates: options.updates }
}

/** Parts for data without: the last share of sessions by first event is `test`, as much before it `valid`. */
function lastSessions(data: Observations, share: number): Uint8Array {
  const place = new Int32Array(data.sessionCount).fill(-1)
  let begun = 0
  for (let row = 0; row < data.count; row++) if (place[data.sessions[row]!] === -1) place[data.sessions[row]!] = begun++
  const test = begun - Math.floor(begun * share)
  const valid = test - Math.floor(begun * share)
  return Uint8Array.from(data.sessions, (session) => (place[session]! >= test ? 2 : place[session]! >= valid ? 1 : 0))
}

/** Learns everything but the last event of each user, then asks for it; `valid` asks for the last but one and never sees the last. */
function leaveLastOutPlan(data: Observations, { part }: PlanOptions): Plan {
  const seen = new Int32Array(data.userIds.length)
  const learned: number[] = []
  const asked: number[] = []
  const back = part === 'valid' ? 1 : 0
  for (let row = data.count - 1; row >= 0; row--) {
    const behind = seen[data.users[row]!]!++
    if (behind === back) asked.push(row)
    else if (behind > back) learned.push(row)
  }
  learned.reverse()
  asked.reverse()
  return {
    order: Int32Array.from([...learned, ...asked]),
    roles: Uint8Array.from({ length: learned.length + asked.length }, (_, n) => (n < learned.length ? roles.learn : roles.judge)),
    updates: false,
  }
}

function foldPlans(data: Observations, { folds, seed }: PlanOptions): Plan[] {
  const random = createRandom(`k-fold ${seed}`)
  const shuffled = rowsInOrder(data.count)
  for (let n = shuffled.length - 1; n > 0; n--) {
    const other = random.below(n + 1)
    const row = shuffled[n]!
    shuffled[n] = shuffled[other]!
    shuffled[other] = row
  }
  const foldOf = new Uint8Array(data.count)
  shuffled.forEach((row, n) => {
    foldOf[row] = n % folds
  })
  return Array.from({ length: folds }, (_, fold) => {
    const rows = rowsInOrder(data.count)
    const learned = rows.filter((row) => foldOf[row] !== fold)
    // Side by side per user, so that a user is one question.
    const judged = rows.filter((row) => foldOf[row] === fold).sort((a, b) => data.users[a]! - data.users[b]! || a - b)
    const order = Int32Array.from([...learned, ...judged])
    return { order, roles: Uint8Array.from(order, (row) => (foldOf[row] === fold ? roles.judge : roles.learn)), updates: false }
  })
}

/**
 * Cross-sell: of each basket (the judged events of one session) with two items or more, half the items (rounded down, drawn by seed)
 * are hidden and asked for from the rest. Baskets are taken whole, in order of their last event, so that nothing of a later one is
 * known; those of the first `warmShare` of the events are no questions to answer, only to learn from. Events of other types are left out: a cart tells what is hidden.
 */
function basketPlan(data: Observations, { warmShare, judgedTypes, seed }: PlanOptions): Plan {
  const judged = judgedRows(data, judgedTypes)
  const [random, warmRandom] = [createRandom(`baskets ${seed}`), createRandom(`warm baskets ${seed}`)]
  const baskets = new Map<number, number[]>()
  for (let row = 0; row < data.count; row++) {
    if (!judged(row)) continue
    const session = data.sessions[row]!
    const rows = baskets.get(session) ?? []
    rows.push(row)
    // A Map keeps the place of a key's first `set`: a basket belongs where its last event is.
    baskets.delete(session)
    baskets.set(session, rows)
  }
  const warm = Math.floor(data.count * warmShare)
  const order: number[] = []
  const roleAt: number[] = []
  for (const rows of baskets.values()) {
    const isWarm = rows.at(-1)! < warm
    const hidden = halfOf(new Set(rows.map((row) => data.items[row]!)), isWarm ? warmRandom : random)
    const shown = rows.filter((row) => !hidden.has(data.items[row]!))
    const asked = rows.filter((row) => hidden.has(data.items[row]!))
    order.push(...shown, ...asked)
    roleAt.push(...shown.map(() => roles.context), ...asked.map(() => (isWarm ? roles.face : roles.judge)))
  }
  return { order: Int32Array.from(order), roles: Uint8Array.from(roleAt), updates: true }
}

/** Half of the items, rounded down, by chance. */
function halfOf(items: ReadonlySet<number>, random: Random): Set<number> {
  const left = [...items]
  const taken = new Set<number>()
  for (let n = items.size >> 1; n > 0; n--) taken.add(left.splice(random.below(left.length), 1)[0]!)
  return taken
}
