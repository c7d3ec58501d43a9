import type { EventLog, OutgoingRecord } from '../ports/event-log.ts'

/** Records sent at a fixed rate, whatever the log does meanwhile: what could not be sent in time is sent late, and its lateness counts. */
export interface PacedLoad {
  readonly log: Pick<EventLog, 'send'>
  /** Records per second. */
  readonly rate: number
  readonly count: number
  /** The records of place `at`, due at that wall-clock time. */
  recordsAt(at: number, dueMs: number): readonly OutgoingRecord[]
}

/** The wall clock with fractions of a millisecond, comparable between processes of one machine. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now()
}

/** Sends all; resolves when the log has taken the last one. One send is under way at a time, with all that is due by then. */
export async function sendPaced({ log, rate, count, recordsAt }: PacedLoad): Promise<void> {
  const startMs = wallMs()
  for (let at = 0; at < count; ) {
    const due: OutgoingRecord[] = []
    for (const nowMs = wallMs(); at < count && startMs + (at / rate) * 1000 <= nowMs; at++)
      due.push(...recordsAt(at, startMs + (at / rate) * 1000))
    if (due.length > 0) await log.send(due)
    else await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
