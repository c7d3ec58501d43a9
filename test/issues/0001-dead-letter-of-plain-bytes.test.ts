/**
 * A long run on the embedded stack died of its first malformed event: `the value is no DeadLetter: invalid ["null","bytes"]`.
 * The embedded log gives plain Uint8Arrays, Avro's encoder takes Buffers only, and every test had dead-lettered Buffers.
 */
import { expect, it } from 'vitest'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { rewards } from '../../topologies/rewards.ts'

it('a record of plain bytes that does not decode is dead-lettered with its bytes', async () => {
  const driver = new TopologyDriver(rewards, { rewards: { waitMs: 1_000, latenessMs: 0 } })
  const bytes = new Uint8Array([0, 0, 0, 0, 1, 28, 113])
  expect(Buffer.isBuffer(bytes)).toBe(false)
  await driver.sendRaw('user-events', 'u', bytes)
  const [letter] = driver.read('dead-letters')
  expect(letter).toMatchObject({ code: 'MILL_SCHEMA_MISMATCH', offset: 0 })
  expect([...letter!.value!]).toEqual([...bytes])
})
