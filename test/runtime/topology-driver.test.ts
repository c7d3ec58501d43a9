import { concatMap, type OperatorFunction } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Batch, Sourced, StateFamily } from '../../ports/batch.ts'
import { defineTopology } from '../../runtime/define-topology.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { Erasure } from '../../schemas/erasure.ts'
import type { UserProfile } from '../../schemas/user-profile.ts'

const seen: StateFamily<{ times: number }> = {
  name: 'seen',
  codec: {
    encode: (value) => Buffer.from(String(value.times)),
    decode: (bytes) => ({ times: Number(Buffer.from(bytes).toString()) }),
  },
}

type Row = { key: string; value: Erasure }

/** Counts profiles per user; a user named `poison` makes the step throw. */
function countProfiles(): OperatorFunction<Batch<Sourced<UserProfile>>, Batch<Row>> {
  return concatMap(async (batch) => {
    const keys = batch.records.map((record) => record.key)
    await batch.transaction.load(seen, keys)
    const records = batch.records.map((record) => {
      if (record.key === 'poison') throw new Error('bad apple')
      const state = batch.transaction.get(seen, record.key) ?? { times: 0 }
      state.times++
      batch.transaction.put(seen, record.key, state)
      return {
        key: record.key,
        value: { userId: record.key, topology: 'counting', keysDeleted: state.times, keysLeft: 0, timeMs: 0 },
      }
    })
    return { ...batch, records }
  })
}

const counting = defineTopology<object>('counting', ({ source }) => {
  source('users', { timeOf: (profile) => profile.updatedMs })
    .step('count', countProfiles())
    .sink('erasures')
})

function profile(userId: string, updatedMs = 1000): UserProfile {
  return { userId, ageGroup: 'unknown', gender: null, region: null, preferredCategories: [], consent: true, updatedMs }
}

describe('TopologyDriver', () => {
  it('runs the real graph: state is kept, outputs are read back, a restart goes on from the store', async () => {
    const driver = new TopologyDriver(counting, {})
    await driver.send('users', profile('a'), profile('b'), profile('a'))
    expect(driver.read('erasures').map((row) => [row.userId, row.keysDeleted])).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ])
    await driver.restart()
    await driver.replay('users', 0, 1)
    expect(driver.read('erasures')).toEqual([])
    await driver.send('users', profile('a'))
    expect(driver.read('erasures').map((row) => [row.userId, row.keysDeleted])).toEqual([['a', 3]])
  })

  it('dead-letters what does not decode and the one record that makes a step throw; neighbours go on', async () => {
    const driver = new TopologyDriver(counting, {})
    await driver.sendRaw('users', 'broken', Buffer.from([1, 2, 3]))
    await driver.send('users', profile('a'), profile('poison'), profile('b'), profile('a'))
    expect(driver.read('erasures').map((row) => [row.userId, row.keysDeleted])).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ])
    expect(driver.read('dead-letters').map((letter) => [letter.offset, letter.code])).toEqual([
      [0, 'MILL_SCHEMA_MISMATCH'],
      [2, 'MILL_STEP_FAILED'],
    ])
  })

  it('describes the graph without ports', () => {
    expect(counting.describe()).toBe(
      'topology counting\n  source  users\n  step    count  <- users\n  sink    erasures  <- count\n',
    )
  })
})
