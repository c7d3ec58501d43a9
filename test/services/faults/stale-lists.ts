import { expect } from 'vitest'
import { readTopic } from '../../../cli/read-topic.ts'
import { listKeys } from '../../../schemas/list-keys.ts'
import { decodeServed, type ServedList } from '../../../schemas/served-list.ts'
import type { Stack } from '../../e2e/stack.ts'

/** People whose served list is missing, or older than the newest list that the log says was made for them. */
export async function staleLists(stack: Stack): Promise<string[]> {
  const newest = new Map<string, number>()
  for await (const { value } of readTopic(stack.ports, 'recommendations'))
    if (value) newest.set(value.userId, Math.max(newest.get(value.userId) ?? 0, offsetOf(value)))
  expect(newest.size).toBeGreaterThan(50)
  const users = [...newest.keys()]
  const stored = await stack.ports.lists.get(users.map((user) => listKeys.recommendations(user, 'home')))
  return users.filter((user, index) => {
    const list = decodeServed<ServedList>(stored[index]!)
    return !list || offsetOf(list) < newest.get(user)!
  })
}

/** Offset of the feature update that a list was made of. Log times do not tell: a profile and an event lie in two topics. */
function offsetOf({ listId }: Pick<ServedList, 'listId'>): number {
  return Number(listId.split('-')[1])
}
