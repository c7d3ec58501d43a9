import { readTopic } from '../../../cli/read-topic.ts'
import { ManualClock } from '../../../core/clock.ts'
import { TopologyDriver } from '../../../runtime/topology-driver.ts'
import type { ItemSignals } from '../../../schemas/item-signals.ts'
import type { UserEvent } from '../../../schemas/user-event.ts'
import { userFeatures } from '../../../topologies/user-features.ts'
import type { Stack } from '../../e2e/stack.ts'
import { unpacked } from '../../topologies/item-signal-logs.ts'

const chunkRecords = 2_000

/** What `item-signals` holds, against a run that nothing disturbed. */
export interface SignalComparison {
  /** Different rows of the undisturbed run. */
  readonly rows: number
  /** Rows that came again because their batch was sent twice. */
  readonly repeats: number
  /** Rows of the undisturbed run that the topic has not, and the other way round. */
  readonly missing: readonly string[]
  readonly extra: readonly string[]
}

/**
 * Additive outputs may come twice and must never be absent: folds `user-events` once more, without a fault and in other batches, and
 * compares what it says about items with what the topic holds once repeats are dropped. State alone does not show an output that a
 * crash swallowed: the reader's state is the fold of what arrived.
 */
export async function compareSignals({ ports, config }: Stack): Promise<SignalComparison> {
  const driver = new TopologyDriver(
    userFeatures,
    { features: { latenessMs: config.features.latenessMs } },
    // Events far ahead of the clock would be refused.
    { partitions: config.partitions, clock: new ManualClock(Date.now()) },
  )
  let chunk: { value: UserEvent | null; key: string; partition: number }[] = []
  for await (const { key, value, partition } of readTopic(ports, 'user-events')) {
    chunk.push({ key: key ?? '', value, partition })
    if (chunk.length < chunkRecords) continue
    await driver.send('user-events', ...chunk)
    chunk = []
  }
  await driver.send('user-events', ...chunk)
  const wanted = new Set(driver.readKeyed('item-signals').flatMap(({ partition, value }) => rowsOf(partition, value)))
  const found = new Set<string>()
  let total = 0
  for await (const { partition, value } of readTopic(ports, 'item-signals')) {
    for (const row of rowsOf(partition, value!)) {
      found.add(row)
      total++
    }
  }
  return {
    rows: wanted.size,
    repeats: total - found.size,
    missing: [...wanted.difference(found)],
    extra: [...found.difference(wanted)],
  }
}

/** Each row as text, with the partition it went to and the event it comes from. */
function rowsOf(partition: number, signals: ItemSignals): string[] {
  const { sourcePartition, strings, keys, others, kinds, weights } = signals
  return unpacked(signals).map(({ offset, timeMs, person, row }) => {
    const [key, other] = [strings[keys[row]!], others[row]! < 0 ? '' : strings[others[row]!]]
    return `${sourcePartition}/${offset} to ${partition}: ${key} ${other} ${kinds[row]} ${timeMs} ${weights[row]} ${person}`
  })
}
