import { describe, expect, it } from 'vitest'
import { attribution } from '../../topologies/attribution.ts'
import { bandit } from '../../topologies/bandit.ts'
import { experiments } from '../../topologies/experiments.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { recommendations } from '../../topologies/recommendations.ts'
import { rewards } from '../../topologies/rewards.ts'
import { userFeatures } from '../../topologies/user-features.ts'

// A change of shape is a diff: a renamed step breaks dashboards and goes to the changelog.
describe('topologies have the agreed shape', () => {
  for (const topology of [userFeatures, itemFeatures, recommendations, rewards, bandit, experiments, attribution]) {
    it(topology.name, async () => {
      await expect(topology.describe()).toMatchFileSnapshot(`../golden/${topology.name}.txt`)
    })
  }
})
