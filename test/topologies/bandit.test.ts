import { expect, it } from 'vitest'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { bandit } from '../../topologies/bandit.ts'
import { rewards } from '../../topologies/rewards.ts'
import { decisionOf, eventOf } from '../operators/reward-fixture.ts'

it('bandit has the agreed shape', async () => {
  await expect(bandit.describe()).toMatchFileSnapshot('../golden/bandit.txt')
})

it('a click on an explored slot moves its arm, through both topologies', async () => {
  const join = new TopologyDriver(rewards, { rewards: { waitMs: 1_000, latenessMs: 0 } })
  await join.send('decisions', decisionOf('d', 1_000), decisionOf('far', 9_000, { listId: 'x' }))
  await join.send('user-events', eventOf('e', 1_100, 'purchase', { itemId: 'b' }), eventOf('x', 9_000, 'view', { listId: null }))
  const fold = new TopologyDriver(bandit, {})
  await fold.send('rewards', ...join.read('rewards'))
  expect(fold.readKeyed('bandit-updates').map(({ key, value }) => [key, value.decisions, value.rewardSum])).toEqual([
    ['learned/trend', 1, 1],
    ['learned/*', 3, 1],
  ])
})
