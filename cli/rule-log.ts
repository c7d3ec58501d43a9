import type { Rule } from '../schemas/rule.ts'
import type { OpenPorts } from './compose.ts'
import { readDefinitions, sendDefinitions } from './definition-log.ts'

/** The rules that are set now, by id; those that do not decode are left out. */
export async function readRules(ports: Pick<OpenPorts, 'log' | 'wire'>): Promise<Rule[]> {
  return (await readDefinitions(ports, 'rules')).map(({ value }) => value)
}

/** Sets and removes rules in one send. */
export function sendRules(
  ports: Pick<OpenPorts, 'log' | 'wire'>,
  set: readonly Rule[],
  removed: readonly string[] = [],
): Promise<void> {
  return sendDefinitions(ports, 'rules', set, removed)
}

/** The rules that will be there once `set` is. */
export function mergedRules(before: readonly Rule[], set: readonly Rule[]): Rule[] {
  const ids = new Set(set.map(({ id }) => id))
  return [...before.filter(({ id }) => !ids.has(id)), ...set]
}
