import type { Sourced } from '../ports/batch.ts'
import type { Decision } from '../schemas/decision.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/** A decision with when the log took it. */
export interface LoggedDecision {
  readonly value: Decision
  readonly loggedMs: number
}

/** The newest decisions that carry vectors, oldest first. */
export async function newestDecisions(
  ports: OpenPorts,
  countMax: number,
): Promise<{ decisions: number; newest: LoggedDecision[] }> {
  let decisions = 0
  let held: LoggedDecision[] = []
  const trim = () => {
    held = held.sort((a, b) => a.loggedMs - b.loggedMs).slice(-countMax)
  }
  for await (const { value, loggedMs } of readTopic(ports, 'decisions')) {
    if (!value) continue
    decisions++
    if (value.context.length === 0 && value.slots.every(({ features }) => features.length === 0)) continue
    held.push({ value, loggedMs })
    if (held.length >= 2 * countMax) trim()
  }
  trim()
  return { decisions, newest: held }
}

/** The record of `feature-updates` that a list was made from; null once the log has dropped it. */
export async function updateOf(
  { log, wire }: OpenPorts,
  listId: string,
  slots: readonly { readonly start: number; readonly end: number }[],
): Promise<Sourced<FeatureUpdate> | null> {
  const named = /^(\d+)-(\d+)$/.exec(listId)
  if (!named) return null
  const [partition, offset] = [Number(named[1]), Number(named[2])]
  const slot = slots[partition]
  if (!slot || offset < slot.start || offset >= slot.end) return null
  for await (const { records } of log.read('feature-updates', partition, { from: offset, to: offset + 1 })) {
    await wire.prepare(
      'feature-updates',
      records.map(({ value }) => value),
    )
    for (const record of records)
      if (record.offset === offset && record.value)
        return {
          key: record.key ?? '',
          value: wire.decode('feature-updates', record.value),
          offset,
          loggedMs: record.timestampMs,
        }
  }
  return null
}
