import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import { openGateway } from './open-gateway.ts'

let gateway: Awaited<ReturnType<typeof openGateway>>
afterEach(() => gateway.close())

const good = { event_id: 'e1', user_id: 'u1', item_id: 'i4', type: 'click', time: '2026-03-02T18:00:00Z' }

async function post(payload: unknown, headers: Record<string, string> = {}) {
  const response = await gateway.app.inject({
    method: 'POST',
    url: '/v1/events',
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })
  return { status: response.statusCode, body: response.json(), headers: response.headers }
}

it('accepts events once the log has them, the catalogue filling in what was left out', async () => {
  gateway = await openGateway()
  const sent = await post({ events: [good, { ...good, event_id: 'e2', price: 3.5, brand: 'own', list_id: 'l', position: 2 }] })
  expect(sent).toMatchObject({ status: 202, body: { accepted: 2 } })
  expect(await gateway.read('user-events')).toMatchObject([
    {
      eventId: 'e1',
      itemId: 'i4',
      type: 'click',
      timeMs: Date.UTC(2026, 2, 2, 18),
      price: 14,
      brand: 'acme',
      category: ['shoes', 'boots'],
    },
    { eventId: 'e2', price: 3.5, brand: 'own', listId: 'l', position: 2, device: 'unknown' },
  ])
})

it.each([
  ['an unknown type', { type: 'stare' }, 'type'],
  ['the reserved type', { type: 'unknown' }, 'type'],
  ['a missing id', { event_id: undefined }, 'event_id'],
  ['an empty user', { user_id: '' }, 'user_id'],
  ['an id of 129 bytes', { user_id: 'é'.repeat(65) }, 'user_id'],
  ['a time without zone', { time: '2026-03-02T18:00:00' }, 'time'],
  ['a day that does not exist', { time: '2026-13-40T18:00:00Z' }, 'time'],
  ['a time six minutes ahead', { time: new Date(Date.now() + 360_000).toISOString() }, 'time'],
  ['a negative price', { price: -1 }, 'price'],
  ['a price as text', { price: '3' }, 'price'],
  ['a price beyond the money type', { price: 1e15 }, 'price'],
  ['rating 6', { type: 'rating', rating: 6 }, 'rating'],
  ['a rating without one', { type: 'rating' }, 'rating'],
  ['a search without query', { type: 'search', item_id: null }, 'query'],
  ['a click without item', { item_id: null }, 'item_id'],
  ['half a piece', { quantity: 0.5 }, 'quantity'],
  ['an unknown field', { itemid: 'x' }, 'itemid'],
])('refuses %s naming field and index, and takes nothing of the request', async (_, change, field) => {
  gateway = await openGateway()
  const { status, body } = await post({ events: [good, { ...good, ...change }] })
  expect(status).toBe(400)
  expect(body.error).toMatchObject({ code: 'MILL_REQUEST_INVALID', field, index: 1 })
  expect(await gateway.read('user-events')).toEqual([])
})

it('takes 1–500 events', async () => {
  gateway = await openGateway()
  const many = (count: number) => ({ events: Array.from({ length: count }, (_, index) => ({ ...good, event_id: `e${index}` })) })
  expect((await post(many(500))).status).toBe(202)
  expect(await post(many(501))).toMatchObject({ status: 400, body: { error: { field: 'events' } } })
  expect(await post(many(0))).toMatchObject({ status: 400, body: { error: { field: 'events' } } })
})

it('answers broken JSON, other media and other methods in the one error shape', async () => {
  gateway = await openGateway()
  expect(await post('{"events": [')).toMatchObject({ status: 400, body: { error: { code: 'MILL_REQUEST_INVALID' } } })
  expect(await post('')).toMatchObject({ status: 400, body: { error: { code: 'MILL_REQUEST_INVALID' } } })
  expect(await post('a,b', { 'content-type': 'text/csv' })).toMatchObject({ status: 415, body: { error: { field: 'body' } } })
  const big = await post(JSON.stringify({ events: [], pad: 'x'.repeat(1_100_000) }))
  expect(big).toMatchObject({ status: 413, body: { error: { code: 'MILL_REQUEST_INVALID' } } })
  const wrong = await gateway.app.inject({ method: 'DELETE', url: '/v1/events' })
  expect(wrong.statusCode).toBe(405)
  expect(wrong.headers.allow).toBe('POST')
  const nowhere = await gateway.app.inject({ method: 'GET', url: '/v1/nowhere' })
  expect(nowhere.statusCode).toBe(404)
  expect(nowhere.json().error.code).toBe('MILL_NOT_FOUND')
})

it('says 503 with Retry-After when the log does not take events, and 202 again afterwards', async () => {
  let away = true
  gateway = await openGateway({
    around: (log) => ({
      send: (records) =>
        away ? Promise.reject(new MillraceError('MILL_LOG_UNAVAILABLE', 'the broker is away')) : log.send(records),
    }),
  })
  const refused = await post({ events: [good] })
  expect(refused).toMatchObject({ status: 503, body: { error: { code: 'MILL_LOG_UNAVAILABLE' } } })
  expect(refused.headers['retry-after']).toBe('1')
  away = false
  expect((await post({ events: [good] })).status).toBe(202)
  expect(await gateway.read('user-events')).toHaveLength(1)
})

it('refuses at its maximum while the log hangs, and gives up waiting in time', async () => {
  const clock = new ManualClock(Date.UTC(2026, 5, 1))
  gateway = await openGateway({ clock, eventsMax: 3, waitMsMax: 1000, around: () => ({ send: () => new Promise(() => {}) }) })
  const waiting = post({ events: [good, good, good] })
  await gateway.app.inject({ method: 'GET', url: '/live' }) // The request before it has reached the buffer then.
  expect(await post({ events: [good] })).toMatchObject({ status: 503, body: { error: { code: 'MILL_BUFFER_FULL' } } })
  clock.advance(1000)
  expect(await waiting).toMatchObject({ status: 503, body: { error: { code: 'MILL_LOG_UNAVAILABLE' } } })
  gateway.close = async () => {} // Its log hangs for ever.
})

it('never answers 5xx to any body', async () => {
  gateway = await openGateway()
  const field = fc.oneof(
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string()),
    fc.date().map(String),
  )
  const nearlyGood = fc.record(
    {
      event_id: fc.oneof(fc.string({ unit: 'binary' }), field),
      user_id: fc.oneof(fc.constant('u1'), field),
      item_id: field,
      type: fc.oneof(fc.constantFrom('view', 'click', 'search', 'rating', 'purchase'), field),
      time: fc.oneof(
        fc.constant(good.time),
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        field,
      ),
      rating: fc.oneof(fc.double(), field),
      price: fc.oneof(fc.double(), field),
      quantity: fc.oneof(fc.integer(), fc.double(), field),
      position: fc.oneof(fc.integer(), field),
      query: field,
      device: fc.oneof(fc.constant('mobile'), field),
      category: fc.oneof(fc.array(fc.string({ unit: 'binary' })), field),
      brand: field,
      [String(Math.PI)]: field,
    },
    { requiredKeys: [] },
  )
  const changed = nearlyGood.map((change) => ({ ...good, ...Object.fromEntries(Object.entries(change).slice(0, 2)) }))
  const body = fc.oneof(
    { weight: 4, arbitrary: fc.record({ events: fc.array(changed, { maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.json().map((text) => JSON.parse(text) as unknown) },
  )
  let taken = 0
  await fc.assert(
    fc.asyncProperty(body, async (payload) => {
      const { status, body: answer } = await post(payload)
      if (status === 202) taken++
      else {
        expect(status).toBe(400)
        expect(answer.error.field).toEqual(expect.any(String))
      }
    }),
    { numRuns: 500 },
  )
  expect(taken).toBeGreaterThan(0) // Else the property would only have seen refusals.
})
