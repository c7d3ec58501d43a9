import { partitionFor } from '../core/partition-for.ts'
import type { OutgoingRecord } from '../ports/event-log.ts'
import type { ListEntry, ListVersion } from '../ports/list-store.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'
import type { LateRecord } from '../schemas/late-record.ts'
import { encodeServed } from '../schemas/served-list.ts'
import type { TopicName } from '../schemas/topics.ts'
import type { WireFormat } from '../schemas/wire-format.ts'

/** What turning values into records needs. */
export interface OutputContext {
  readonly wire: WireFormat
  /** Partition count of a topic. */
  partitionsOf(topic: string): number
}

/** Values for a topic as records of the log: encoded, with the partition of their key unless they name one. */
export function outgoingRecords(topic: TopicName, records: readonly Keyed<unknown>[], context: OutputContext): OutgoingRecord[] {
  const partitions = context.partitionsOf(topic)
  return records.map(({ key, value, partition }) => ({
    topic,
    partition: partition ?? partitionFor(key, partitions),
    key,
    value: value === null ? null : context.wire.encode(topic, value as never),
  }))
}

/** Dead letters and late records of a batch as records of their topics, keyed by id: repeats are one. */
export function sideOutputs(
  batch: { readonly deadLetters: readonly DeadLetter[]; readonly lateRecords: readonly LateRecord[] },
  context: OutputContext,
): OutgoingRecord[] {
  const keyed = <T extends { readonly id: string }>(values: readonly T[]) => values.map((value) => ({ key: value.id, value }))
  return [
    ...outgoingRecords('dead-letters', keyed(batch.deadLetters), context),
    ...outgoingRecords('late-records', keyed(batch.lateRecords), context),
  ]
}

/** List writes as entries of the list store: all with the version of their batch. */
export function listEntries(lists: readonly ListWrite[], version: ListVersion): ListEntry[] {
  return lists.map((list) => ({
    key: list.key,
    value: encodeServed(version, list.value),
    companions: list.companions.map(({ key, value }) => ({ key, value: encodeServed(version, value) })),
    version,
    ttlS: list.ttlS,
  }))
}
