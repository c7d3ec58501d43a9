import { movesTime } from '../core/moves-time.ts'
import type { Decision } from '../schemas/decision.ts'

const idBytesMax = 128
const slotsMax = 1_000

/** Why a showing is invalid, naming the field; null if it is fine. `loggedMs`: when the log took it. */
export function decisionFault(decision: Decision, loggedMs: number): string | null {
  for (const field of ['decisionId', 'listId', 'userId', 'policy'] as const) {
    const bytes = Buffer.byteLength(decision[field])
    if (bytes < 1 || bytes > idBytesMax) return `${field}: must be 1 to ${idBytesMax} bytes`
  }
  const { timeMs, slots } = decision
  if (!(timeMs > 0)) return 'timeMs: must be a time after 1970'
  if (!movesTime(timeMs, loggedMs)) return `timeMs: ${timeMs - loggedMs} ms ahead of the log`
  if (slots.length > slotsMax) return `slots: ${slots.length} are more than ${slotsMax}`
  const wrong = slots.find((slot) => !(slot.propensity > 0 && slot.propensity <= 1))
  return wrong ? `slots: the propensity ${wrong.propensity} of ${wrong.itemId} is not within (0, 1]` : null
}
