import { MillraceError } from '../core/errors.ts'
import type { PartitionOffsets } from '../ports/event-log.ts'

/** A position that the log does not hold, and what it does hold. */
export interface LostPosition {
  readonly topology: string
  readonly topic: string
  readonly partition: number
  /** The next offset the task would apply. */
  readonly position: number
  readonly held: PartitionOffsets
}

/**
 * The refusal of a position that the log does not hold, whether retention has overtaken it or the topic was made anew: it says
 * what is missing and how to go on. Nobody jumps by himself: what lies between would be missing from the state silently.
 */
export function positionLost({ topology, topic, partition, position, held }: LostPosition): MillraceError {
  const place = `${topic}/${partition}`
  const why =
    position > held.end
      ? `the log of ${place} ends at ${held.end}, the stored position is ${position}: the topic was made anew or lost its end`
      : `the log of ${place} holds offsets from ${held.start} on, the stored position is ${position}: retention dropped ${held.start - position} that were never applied`
  const mend =
    `Restore the topic; or give up what is gone: "millrace reset ${topology}" shows what its state holds, ` +
    `"millrace reset ${topology} --execute --force --reason why" forgets it, and the next start folds what the log still holds`
  return new MillraceError('MILL_POSITION_LOST', `${topology}: ${why}. ${mend}.`, {
    details: { topology, topic, partition, position, start: held.start, end: held.end },
  })
}
