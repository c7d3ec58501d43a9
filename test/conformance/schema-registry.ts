import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SchemaRegistry } from '../../ports/schema-registry.ts'

const record = (fields: readonly object[]) => JSON.stringify({ type: 'record', name: 'Click', namespace: 'test', fields })
const user = { name: 'user', type: 'string' }
const item = { name: 'item', type: 'string' }
const position = { name: 'position', type: 'int', default: 0 }

/** What every schema registry must do. `open` makes one on a store that may hold other subjects. */
export function schemaRegistryConformance(name: string, open: () => Promise<SchemaRegistry>): void {
  describe(`${name} as a schema registry`, () => {
    let registry: SchemaRegistry
    let subject: string
    beforeAll(async () => {
      registry = await open()
      subject = `conformance-${randomUUID()}-value`
    })
    afterAll(async () => {
      await registry.close()
    })

    it('answers null for what it does not know', async () => {
      expect(await registry.latest(subject)).toBeNull()
      expect(await registry.byId(2_000_000_000)).toBeNull()
    })

    it('registers a schema once: the same text has the same id, version 1, in any layout', async () => {
      const id = await registry.register(subject, record([user]))
      expect(await registry.register(subject, record([user]))).toBe(id)
      expect(await registry.register(subject, JSON.stringify(JSON.parse(record([user])), null, 2))).toBe(id)
      expect(await registry.latest(subject)).toMatchObject({ id, version: 1 })
      expect(JSON.parse((await registry.byId(id))!)).toEqual(JSON.parse(record([user])))
    })

    it('takes a version whose added field has a default, and makes it the newest', async () => {
      const before = await registry.register(subject, record([user]))
      const id = await registry.register(subject, record([user, position]))
      expect(id).not.toBe(before)
      const latest = await registry.latest(subject)
      expect(latest).toMatchObject({ id, version: 2 })
      expect(JSON.parse(latest!.schema)).toEqual(JSON.parse(record([user, position])))
      expect(JSON.parse((await registry.byId(before))!)).toEqual(JSON.parse(record([user])))
    })

    it('refuses a version that cannot read the registered one, and keeps the newest', async () => {
      const before = await registry.latest(subject)
      const attempt = registry.register(subject, record([user, item]))
      await expect(attempt).rejects.toMatchObject({ code: 'MILL_SCHEMA_INCOMPATIBLE', reaction: 'refuse' })
      await expect(attempt).rejects.toThrow(subject)
      expect(await registry.latest(subject)).toEqual(before)
    })

    it('refuses what is no schema at all', async () => {
      for (const text of ['{"type":"rec', '{"type":"nonsense"}']) {
        await expect(registry.register(`${subject}-broken`, text)).rejects.toMatchObject({ code: 'MILL_SCHEMA_INCOMPATIBLE' })
      }
    })

    it('gives the same schema the same id under another subject', async () => {
      const schema = record([user, item, { name: 'only', type: 'string', default: subject }])
      const id = await registry.register(`${subject}-a`, schema)
      expect(await registry.register(`${subject}-b`, schema)).toBe(id)
    })

    it('is read the same by a second client', async () => {
      const other = await open()
      const latest = await registry.latest(subject)
      expect(await other.latest(subject)).toEqual(latest)
      await registry.register(subject, record([user, position, { name: 'device', type: 'string', default: '' }]))
      expect((await other.latest(subject))!.version).toBe(latest!.version + 1)
      if (other !== registry) await other.close()
    })
  })
}
