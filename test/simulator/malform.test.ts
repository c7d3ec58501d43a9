import { expect, it } from 'vitest'
import { MillraceError } from '../../core/errors.ts'
import { eventFault } from '../../schemas/event-fault.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import { WireFormat } from '../../schemas/wire-format.ts'
import { malform, malformedKinds } from '../../simulator/malform.ts'
import { recordShop } from '../../simulator/record-shop.ts'

async function openWire(): Promise<WireFormat> {
  const texts: string[] = []
  return WireFormat.open({
    register: async (_subject, schema) => texts.push(schema),
    byId: async (id) => texts[id - 1] ?? null,
  })
}

const good = [...recordShop({ seed: 'm', events: 50, users: 20, items: 100 })].flatMap((record) =>
  record.topic === 'user-events' && record.value ? [record.value] : [],
)

it('bytes kinds fail to decode with the code they announce, value kinds decode and break a rule of F1.5', async () => {
  const wire = await openWire()
  const encode = (event: UserEvent) => wire.encode('user-events', event)
  const records = [...malform(good, { count: 10 * malformedKinds.length, seed: 3, encode })]
  expect(new Set(records.map(({ kind }) => kind))).toEqual(new Set(malformedKinds))
  await wire.prepare(
    'user-events',
    records.map(({ bytes }) => bytes),
  )
  for (const { bytes, value, code, kind } of records) {
    if (value) {
      expect(wire.decode('user-events', bytes)).toEqual(value)
      expect(eventFault(value, Date.UTC(2027, 0, 1)), kind).toBeTruthy()
    } else
      expect(() => wire.decode('user-events', bytes), kind).toThrow(
        expect.objectContaining({ code, name: MillraceError.name }) as unknown as Error,
      )
  }
})

it('the same seed gives the same bytes, and the models stay whole', async () => {
  const wire = await openWire()
  const encode = (event: UserEvent) => wire.encode('user-events', event)
  const texts = () => [...malform(good, { count: 40, seed: 9, encode })].map(({ bytes }) => Buffer.from(bytes).toString('hex'))
  const before = JSON.stringify(good)
  expect(texts()).toEqual(texts())
  expect(JSON.stringify(good)).toBe(before)
})
