import { expect, it } from 'vitest'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { rewards } from '../../topologies/rewards.ts'
import { userFeatures } from '../../topologies/user-features.ts'

// The story: `user-features` and `rewards` read the same topic, so a record that cannot be decoded is dead to both. The letters had the
// same id, which is the key of a compacted topic: the second replaced the first, and verify of the first no longer knew of it.

it('what is dead to two topologies is two letters', async () => {
  const features = new TopologyDriver(userFeatures, { features: { latenessMs: 600_000 } })
  const joined = new TopologyDriver(rewards, { rewards: { waitMs: 1_000, latenessMs: 200 } })
  const ids = []
  for (const driver of [features, joined]) {
    await driver.sendRaw('user-events', 'u1', Buffer.from([1, 2, 3]))
    ids.push(...driver.read('dead-letters').map(({ id }) => id))
  }
  expect(ids).toEqual(['user-features/user-events/0/0/decode', 'rewards/user-events/0/0/decode'])
})
