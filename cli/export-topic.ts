import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MillraceError } from '../core/errors.ts'
import { type TopicName, topics } from '../schemas/topics.ts'
import type { OpenPorts } from './compose.ts'
import { jsonLine } from './json-line.ts'
import { readRewards } from './read-rewards.ts'
import { readTopic } from './read-topic.ts'

/** Event times, ms: at least `fromMs`, below `toMs`. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * Writes what a topic holds as JSON lines: bytes as base64, field names as in the schema; with a range only records whose `timeMs` lies
 * in it. Rewards that a task sent again are written once. The file appears whole or not at all. Errors: `MILL_USAGE` when it cannot be written, or when records have no time.
 */
export async function exportTopic(
  ports: Pick<OpenPorts, 'log' | 'wire'>,
  topic: TopicName,
  path: string,
  range?: TimeRange,
): Promise<{ records: number; undecodable: number }> {
  const result = { records: 0, undecodable: 0 }
  const undecodable = () => {
    result.undecodable++
  }
  if (range && topics[topic].cleanup === 'compact')
    throw new MillraceError(
      'MILL_USAGE',
      `${topic} holds the newest of each key, whenever it came: it has no range; leave out --from, --to and --window`,
    )
  async function* lines() {
    for await (const value of valuesOf(ports, topic, undecodable)) {
      if (range && !lies(value, range)) continue
      result.records++
      yield jsonLine(value)
    }
  }
  const partial = `${path}.partial`
  try {
    await pipeline(Readable.from(lines()), createWriteStream(partial))
    await rename(partial, path)
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw new MillraceError('MILL_USAGE', `--out ${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
  return result
}

/** A list has its time in `loggedMs`, what happened or was shown in `timeMs`. */
function lies(value: unknown, { fromMs, toMs }: TimeRange): boolean {
  const { timeMs, loggedMs } = value as { timeMs?: number; loggedMs?: number }
  const at = timeMs ?? loggedMs ?? 0
  return at >= fromMs && at < toMs
}

async function* valuesOf(
  ports: Pick<OpenPorts, 'log' | 'wire'>,
  topic: TopicName,
  undecodable: () => void,
): AsyncGenerator<unknown> {
  if (topic === 'rewards') {
    yield* readRewards(ports, undecodable)
    return
  }
  if (topics[topic].cleanup !== 'compact') {
    for await (const { value } of readTopic(ports, topic, undecodable)) if (value) yield value
    return
  }
  const newest = new Map<string | null, unknown>()
  for await (const { key, value } of readTopic(ports, topic, undecodable)) {
    if (value === null) newest.delete(key)
    else newest.set(key, value)
  }
  yield* newest.values()
}
