import { partitionFor } from '../core/partition-for.ts'
import type { OutgoingRecord } from '../ports/event-log.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/** Which dead letters; absent = all. */
export interface DeadLetterFilter {
  readonly topology?: string | undefined
  readonly code?: string | undefined
}

/** Letters sent at once. */
const chunkLetters = 500

/** All dead letters that match, oldest first, each id once as it stands now. */
export async function readDeadLetters(ports: Pick<OpenPorts, 'log' | 'wire'>, filter: DeadLetterFilter): Promise<DeadLetter[]> {
  const letters = new Map<string, DeadLetter>()
  for await (const { value } of readTopic(ports, 'dead-letters')) if (value) letters.set(value.id, value)
  return [...letters.values()]
    .filter((letter) => matches(letter, filter))
    .sort((a, b) => a.loggedMs - b.loggedMs || (a.id < b.id ? -1 : 1))
}

/** Whether a letter is one of those that are meant. */
export function matches({ topology, code }: DeadLetter, filter: DeadLetterFilter): boolean {
  return (filter.topology === undefined || topology === filter.topology) && (filter.code === undefined || code === filter.code)
}

/** Where the record of a letter lay: letters of several topologies may be about one record. */
function sourceOf({ topic, partition, offset }: DeadLetter): string {
  return `${topic}/${partition}/${offset}`
}

/** `letters`, and what other topologies said of the same records: all of them read the record again. */
export function withSiblings(letters: readonly DeadLetter[], all: readonly DeadLetter[]): DeadLetter[] {
  const sources = new Set(letters.map(sourceOf))
  return all.filter((letter) => sources.has(sourceOf(letter)))
}

/**
 * Sends the raw bytes to where they lay (same topic, partition and key), once for each record, and in the same send notes on its letters
 * that it was replayed, so that a second replay leaves it out.
 */
export async function replayDeadLetters(
  { log, wire }: Pick<OpenPorts, 'log' | 'wire'>,
  letters: readonly DeadLetter[],
): Promise<void> {
  const partitions = await log.partitions('dead-letters')
  const sent = new Set<string>()
  for (let at = 0; at < letters.length; at += chunkLetters) {
    const records = letters.slice(at, at + chunkLetters).flatMap((letter): OutgoingRecord[] => [
      ...(sent.size < sent.add(sourceOf(letter)).size
        ? [{ topic: letter.topic, partition: letter.partition, key: letter.key, value: letter.value }]
        : []),
      {
        topic: 'dead-letters',
        partition: partitionFor(letter.id, partitions),
        key: letter.id,
        value: wire.encode('dead-letters', { ...letter, replays: letter.replays + 1 }),
      },
    ])
    await log.send(records)
  }
}
