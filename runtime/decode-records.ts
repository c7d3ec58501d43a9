import { MillraceError, reactionOf } from '../core/errors.ts'
import type { Sourced } from '../ports/batch.ts'
import type { LogRecord } from '../ports/event-log.ts'
import type { TopicName } from '../schemas/topics.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import type { Graph } from './graph.ts'

/** A record that does not decode, with why. */
export interface Undecodable {
  readonly record: Sourced<unknown>
  readonly error: MillraceError
}

/**
 * Decodes records of a source, in order: those that do not decode come apart, so that their neighbours are unharmed. A record
 * without a value is one only where the source takes tombstones. Call `WireFormat.prepare` first.
 */
export function decodeRecords(
  graph: Graph,
  wire: WireFormat,
  topic: TopicName,
  records: readonly LogRecord[],
): { readonly decoded: readonly Sourced<unknown>[]; readonly undecodable: readonly Undecodable[] } {
  const source = graph.nodes.find((node) => node.kind === 'source' && node.topic === topic)
  const tombstones = source?.kind === 'source' && source.tombstones
  const decoded: Sourced<unknown>[] = []
  const undecodable: Undecodable[] = []
  for (const { key, value, offset, timestampMs } of records) {
    const record = { value: null as unknown, key: key ?? '', offset, loggedMs: timestampMs }
    try {
      if (value !== null) record.value = wire.decode(topic, value)
      else if (!tombstones) throw new MillraceError('MILL_SCHEMA_MISMATCH', `${topic} takes no records without a value`)
      decoded.push(record)
    } catch (error) {
      if (reactionOf(error) !== 'dead-letter') throw error
      undecodable.push({ record, error: error as MillraceError })
    }
  }
  return { decoded, undecodable }
}
