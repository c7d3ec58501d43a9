import { partitionFor } from '../core/partition-for.ts'
import type { Rule } from '../schemas/rule.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/** The rules that are set now, by id; those that do not decode are left out. */
export async function readRules(ports: Pick<OpenPorts, 'log' | 'wire'>): Promise<Rule[]> {
  const rules = new Map<string | null, Rule>()
  for await (const { key, value } of readTopic(ports, 'rules')) {
    if (value === null) rules.delete(key)
    else rules.set(key, value)
  }
  return [...rules.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Sets and removes rules in one send. */
export async function sendRules(
  { log, wire }: Pick<OpenPorts, 'log' | 'wire'>,
  set: readonly Rule[],
  removed: readonly string[] = [],
): Promise<void> {
  const partitions = await log.partitions('rules')
  const recordOf = (id: string, value: Buffer | null) => ({
    topic: 'rules',
    partition: partitionFor(id, partitions),
    key: id,
    value,
  })
  await log.send([
    ...set.map((rule) => recordOf(rule.id, wire.encode('rules', rule))),
    ...removed.map((id) => recordOf(id, null)),
  ])
}

/** The rules that will be there once `set` is. */
export function mergedRules(before: readonly Rule[], set: readonly Rule[]): Rule[] {
  const ids = new Set(set.map(({ id }) => id))
  return [...before.filter(({ id }) => !ids.has(id)), ...set]
}
