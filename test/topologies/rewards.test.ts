import { expect, it } from 'vitest'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { rewards } from '../../topologies/rewards.ts'
import { decisionOf, eventOf } from '../operators/reward-fixture.ts'

it('rewards has the agreed shape', async () => {
  await expect(rewards.describe()).toMatchFileSnapshot('../golden/rewards.txt')
})

it('rewards joins each person in their own partition, with running numbers of their own', async () => {
  const driver = new TopologyDriver(rewards, { rewards: { waitMs: 1_000, latenessMs: 0 } }, { partitions: 4 })
  const users = Array.from({ length: 40 }, (_, i) => `user-${i}`)
  await driver.send('decisions', ...users.map((userId) => decisionOf(`of ${userId}`, 1_000, { userId })))
  await driver.send('user-events', ...users.map((userId) => eventOf(`by ${userId}`, 1_100, 'purchase', { userId })))
  await driver.send('decisions', ...users.map((userId) => decisionOf(`more of ${userId}`, 9_000, { userId, listId: 'x' })))
  await driver.send(
    'user-events',
    ...users.map((userId) => eventOf(`more by ${userId}`, 9_000, 'view', { userId, listId: null })),
  )
  const rows = driver.read('rewards')
  expect(rows.map((row) => row.userId).sort()).toEqual([...users].sort())
  for (const row of rows) expect([row.decisionId, row.slots[0]!.purchased]).toEqual([`of ${row.userId}`, true])
  const sequences = Map.groupBy(rows, (row) => row.sourcePartition)
  expect(sequences.size).toBe(4)
  for (const own of sequences.values()) expect(own.map((row) => row.sequence)).toEqual(own.map((_, i) => i))
})
