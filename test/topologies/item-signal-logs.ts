import fc from 'fast-check'
import { type ItemSignals, signalKinds } from '../../schemas/item-signals.ts'
import { scopeNames } from '../../schemas/scope-names.ts'
import { eventTypes } from '../../schemas/user-event.ts'
import type { SourcedSignal } from './item-features-definition.ts'
import { openMs } from './shop-events.ts'

const { coVisit, coPurchase, scope, spend } = signalKinds

/** Signals of two partitions of user-events, ascending by offset in each, with gaps, several rows per offset, times in any order. */
export const signalLogs: fc.Arbitrary<readonly SourcedSignal[]> = fc
  .array(
    fc.record({
      partition: fc.nat({ max: 1 }),
      step: fc.nat({ max: 2 }),
      item: fc.nat({ max: 3 }),
      other: fc.nat({ max: 3 }),
      kind: fc.constantFrom(
        ...eventTypes.slice(1).map((_, index) => index + 1),
        coVisit,
        coVisit,
        coPurchase,
        scope,
        scope,
        spend,
      ),
      timeMs: fc.oneof(fc.nat({ max: 600_000 }), fc.nat({ max: 40 * 86_400_000 })),
      person: fc.nat({ max: 9 }),
    }),
    { minLength: 1, maxLength: 80, size: 'max' },
  )
  .map((draws) => {
    const offsets = [0, 0]
    return draws.map(({ partition, step, item, other, kind, timeMs, person }) => {
      offsets[partition]! += step
      const isEvent = kind < eventTypes.length
      return {
        partition,
        offset: offsets[partition]!,
        key: kind === scope || kind === spend ? scopeNames.category(`s${item % 2}`) : `i${item}`,
        other: isEvent ? null : kind === spend ? String(item) : kind === scope ? `i${other}` : `i${item + 1 + (other % 2)}`,
        kind,
        timeMs: openMs + timeMs,
        weight: weightOf(kind, other),
        // People whose bits differ, so that few of them are counted exactly.
        person: person << 3,
      }
    })
  })

/** The rows of a packed record with what they share by event, as the schema defines them. */
export function unpacked(pack: ItemSignals): { offset: number; timeMs: number; person: number; row: number }[] {
  const rows: ReturnType<typeof unpacked> = []
  let [offset, timeMs] = [0, 0]
  pack.rowCounts.forEach((count, event) => {
    offset += pack.offsets[event]!
    timeMs += pack.timesMs[event]!
    for (let i = 0; i < count; i++) rows.push({ offset, timeMs, person: pack.people[event]!, row: rows.length })
  })
  return rows
}

/** Rows of one source partition as one packed record. */
export function packOf(rows: readonly SourcedSignal[]): ItemSignals {
  const strings = [...new Set(rows.flatMap((row) => (row.other === null ? [row.key] : [row.key, row.other])))]
  return {
    sourcePartition: rows[0]!.partition,
    loggedMs: openMs,
    strings,
    keys: rows.map((row) => strings.indexOf(row.key)),
    others: rows.map((row) => (row.other === null ? -1 : strings.indexOf(row.other))),
    kinds: rows.map((row) => row.kind),
    weights: rows.map((row) => row.weight),
    // Each row as an event of its own: times and people of one offset differ here.
    offsets: rows.map((row, at) => row.offset - (rows[at - 1]?.offset ?? 0)),
    timesMs: rows.map((row, at) => row.timeMs - (rows[at - 1]?.timeMs ?? 0)),
    people: rows.map((row) => row.person),
    rowCounts: rows.map(() => 1),
  }
}

/**
 * Cuts a log into packed records as an owner of user-features might: rows of one offset stay in one record, and each cut may
 * come after a crash, so that some rows are sent again in another cut.
 */
export function cutLog(log: readonly SourcedSignal[], roll: (below: number) => number): ItemSignals[] {
  const records: { at: number; pack: ItemSignals }[] = []
  for (const partition of [0, 1]) {
    const rows = log.filter((row) => row.partition === partition)
    let crashes = 3
    for (let from = 0, at = 0; from < rows.length; at++) {
      const last = rows[Math.min(rows.length - 1, from + roll(9))]!.offset
      const to = rows.findLastIndex((row) => row.offset === last) + 1
      records.push({ at, pack: packOf(rows.slice(from, to)) })
      from = to
      if (roll(4) > 0 || crashes-- <= 0) continue
      const again = rows[Math.max(0, to - 1 - roll(12))]!.offset
      from = rows.findIndex((row) => row.offset === again)
    }
  }
  return records.sort((a, b) => a.at - b.at).map(({ pack }) => pack)
}

function weightOf(kind: number, number: number): number {
  if (kind === coVisit || kind === coPurchase) return 1
  if (kind === eventTypes.indexOf('rating')) return 1 + number
  if (kind === spend) return number === 0 ? -0.25 : 0.5
  return kind === eventTypes.indexOf('dismiss') ? 0 : 0.5
}
