/** An event time this far ahead of the log's own time is a wrong clock. */
const skewMsMax = 5 * 60_000

/**
 * Whether an event of `timeMs` that the log took at `loggedMs` moves event time: one wrong clock must not close every session.
 * Task and operators ask here, so that a watermark is the same however batches are cut.
 */
export function movesTime(timeMs: number, loggedMs: number): boolean {
  return Number.isFinite(timeMs) && timeMs <= loggedMs + skewMsMax
}
