import { expect, it } from 'vitest'
import { listFamily } from '../../operators/join-outcomes.ts'
import { personFamily } from '../../operators/measure-experiments.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { Decision } from '../../schemas/decision.ts'
import { rewards } from '../../topologies/rewards.ts'
import { decisionOf, eventOf, slotOf } from './reward-fixture.ts'

const waitMs = 1_000
const profile = { ageGroup: 'unknown', gender: null, region: null, consent: true, preferredCategories: [], updatedMs: 1 } as const

function openJoin() {
  const driver = new TopologyDriver(rewards, { rewards: { waitMs, latenessMs: 0 } })
  const shown = (id: string, userId: string, atMs: number): Decision =>
    decisionOf(id, atMs, {
      userId,
      listId: `list/${id}`,
      slots: [slotOf('a', 0)],
      assignments: [{ experiment: 'x', variant: 'v' }],
    })
  /** Moves the time of both inputs past everything shown at or before `atMs`. */
  const pass = async (atMs: number) => {
    await driver.send('decisions', decisionOf(`tick ${atMs}`, atMs + waitMs + 1, { userId: 'clock', slots: [slotOf('a', 0)] }))
    await driver.send('user-events', eventOf(`tick ${atMs}`, atMs + waitMs + 1, 'view', { userId: 'clock', listId: null }))
  }
  const keys = async (userId: string) => [...(await driver.stateOf(0)).keys()].filter((key) => key.includes(`:${userId}`))
  const people = () => driver.read('experiment-deltas').map(({ before, after }) => [before[0] ?? null, after[0]])
  return { driver, shown, pass, keys, people }
}

it('forgets what experiments count of who is erased, and showings that wait; others and the totals stay', async () => {
  const { driver, shown, pass, keys, people } = openJoin()
  await driver.send('decisions', shown('1', 'a', 1_000), shown('2', 'b', 1_000), shown('3', 'a/b', 1_000))
  await driver.send('user-events', eventOf('c', 1_100, 'click', { userId: 'a', listId: 'list/1', itemId: 'a' }))
  await pass(1_000)
  expect(people()).toEqual([
    [null, 1],
    [null, 1],
    [null, 1],
  ])
  await driver.send('decisions', shown('4', 'a', 3_000), shown('5', 'a', 3_000), shown('6', 'a/b', 3_000))
  expect(await keys('a')).toEqual(expect.arrayContaining(['person:a', 'list:a/list/4', 'list:a/list/5', 'list:a/b/list/6']))
  driver.read('rewards')
  await driver.send('users', { key: 'b', value: { userId: 'b', ...profile } }, { key: 'a', value: null })
  // What is left: ids and times of lists, for as long as repeats may come.
  expect(driver.readKeyed('erasures')).toMatchObject([
    { key: 'a', value: { userId: 'a', topology: 'rewards', keysDeleted: 1, keysLeft: 3 } },
  ])
  const left = ['list:a/list/1', 'list:a/list/4', 'list:a/list/5', 'person:a/b']
  expect((await keys('a')).filter((key) => !key.startsWith('list:a/b/'))).toEqual(left)
  await pass(3_000)
  // Of a's showings nothing follows; those of a/b count on.
  expect(driver.read('rewards').map(({ decisionId }) => decisionId)).toEqual(['tick 1000', '6'])
  expect(people()).toEqual([[1, 2]])
  await pass(9_000)
  expect(await keys('a/')).toEqual(['person:a/b'])
  // Who comes back counts as another person.
  await driver.send('decisions', shown('7', 'a', 11_000))
  await pass(11_000)
  expect(people()).toEqual([[null, 1]])
  const state = personFamily.codec.decode((await driver.stateOf(0)).get('person:a')!)
  expect(state).toMatchObject({ clicks: 0, exposures: [{ counts: [1, 0, 0, 0, 0, 0, 0, 0, 0] }] })
})

it('says so where nothing is known, once per person, and survives a restart', async () => {
  const { driver, shown, keys } = openJoin()
  await driver.send('decisions', shown('1', 'a', 1_000))
  await driver.restart()
  await driver.send('users', { key: 'a', value: null }, { key: 'nobody', value: null }, { key: 'a', value: null })
  expect(driver.read('erasures').map(({ userId, keysDeleted, keysLeft }) => [userId, keysDeleted, keysLeft])).toEqual([
    ['a', 0, 1],
    ['nobody', 0, 0],
  ])
  expect(await keys('a')).toEqual(['list:a/list/1'])
})

it('of an erased list ids and times stay, also of what is read later; repeats are known, and nothing is told of it', async () => {
  const { driver, shown, pass, keys } = openJoin()
  const done = (id: string, atMs: number) =>
    eventOf(id, atMs, 'purchase', { userId: 'a', listId: 'list/1', itemId: 'a', price: 9 })
  const again = { ...shown('2', 'a', 1_200), listId: 'list/1' }
  await driver.send('decisions', shown('1', 'a', 1_000))
  await driver.send('user-events', done('before', 1_100))
  await driver.send('users', { key: 'a', value: null })
  await driver.send('decisions', again, again)
  await driver.send('user-events', done('after', 1_300), done('before', 1_100))
  const stub = listFamily.codec.decode((await driver.stateOf(0)).get('list:a/list/1')!)
  const bare = { itemId: '', readMs: 0, waitMs: 0, strength: 0, revenue: 0, offset: 0, joinedTo: '' }
  expect(stub).toEqual({
    userId: 'a',
    erased: true,
    open: [],
    closed: [
      { decisionId: '1', timeMs: 1_000 },
      { decisionId: '2', timeMs: 1_200 },
    ],
    outcomes: [
      { eventId: 'before', timeMs: 1_100, ...bare },
      { eventId: 'after', timeMs: 1_300, ...bare },
    ],
  })
  await pass(9_000)
  expect([driver.read('rewards'), driver.read('late-records'), await keys('a')]).toEqual([[], [], []])
})
