import { afterEach, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import { encodeServed } from '../../schemas/served-list.ts'
import { openGateway } from './open-gateway.ts'

let gateway: Awaited<ReturnType<typeof openGateway>>
afterEach(() => gateway.close())

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await gateway.app.inject({ method: 'GET', url, headers })
  return { status: response.statusCode, body: response.json(), headers: response.headers }
}

it('serves neighbours that can be bought, and tells an unknown item from one without neighbours', async () => {
  gateway = await openGateway()
  const version = { epoch: 1, position: 1 }
  const value = encodeServed(version, {
    itemId: 'i1',
    items: ['i2', 'i7', 'gone', 'i3'].map((itemId, index) => ({ itemId, weight: 1 - index / 10 })),
    watermarkMs: 5,
  })
  await gateway.lists.swap([{ key: listKeys.similar('i1'), value, version, ttlS: 0 }])
  const similar = await get('/v1/items/i1/similar')
  expect(similar.body).toMatchObject({
    item_id: 'i1',
    watermark: '1970-01-01T00:00:00.005Z',
    items: [{ item_id: 'i2', weight: 1 }, { item_id: 'i3' }],
  })
  expect((await get('/v1/items/i1/similar?count=1')).body.items).toHaveLength(1)
  expect(await get('/v1/items/i1/together')).toMatchObject({ status: 200, body: { items: [] } })
  expect(await get('/v1/items/never/together')).toMatchObject({
    status: 404,
    body: { error: { code: 'MILL_NOT_FOUND', field: 'id' } },
  })
})

it('serves trends by scope', async () => {
  gateway = await openGateway()
  await gateway.putTrend('scope:category:boots', ['i2', 'i4'])
  expect((await get('/v1/trends/category:boots')).body).toMatchObject({
    scope: 'category:boots',
    items: [{ item_id: 'i2', popularity: 100 }, {}],
  })
  expect((await get('/v1/trends/all')).status).toBe(404)
})

it('serves features in snake case, 404 for who was never seen', async () => {
  gateway = await openGateway()
  gateway.features.set('u1', { userId: 'u1', lastActiveMs: 5, session: { sessionId: 's', mainCategory: null } } as never)
  expect((await get('/v1/users/u1/features')).body).toEqual({
    user_id: 'u1',
    last_active_ms: 5,
    session: { session_id: 's', main_category: null },
  })
  expect((await get('/v1/users/u2/features')).status).toBe(404)
})

it('is live, ready and described', async () => {
  gateway = await openGateway()
  expect((await get('/live')).body).toEqual({ status: 'live' })
  expect((await get('/ready')).body).toEqual({ status: 'ready' })
  const { body } = await get('/openapi.json')
  expect(body.openapi).toBe('3.1.0')
  expect(Object.keys(body.paths).sort()).toEqual([
    '/live',
    '/metrics',
    '/ready',
    '/v1/events',
    '/v1/items/{id}/similar',
    '/v1/items/{id}/together',
    '/v1/recommend',
    '/v1/trends/{scope}',
    '/v1/users/{id}/features',
    '/v1/users/{id}/preferences',
    '/v1/users/{id}/recommendations',
  ])
})

it('asks for a key where keys are set, and holds each to 100 requests a second', async () => {
  const clock = new ManualClock(Date.UTC(2026, 5, 1))
  gateway = await openGateway({ clock, apiKeys: ['secret-one', 'secret-two'] })
  expect((await get('/v1/trends/all')).status).toBe(401)
  expect((await get('/v1/trends/all', { 'x-api-key': 'wrong' })).status).toBe(401)
  expect((await get('/live')).status).toBe(200)
  for (let i = 0; i < 100; i++) expect((await get('/v1/trends/all', { 'x-api-key': 'secret-one' })).status).toBe(404)
  const limited = await get('/v1/trends/all', { 'x-api-key': 'secret-one' })
  expect(limited.status).toBe(429)
  expect(limited.headers['retry-after']).toBe('1')
  expect((await get('/v1/trends/all', { 'x-api-key': 'secret-two' })).status).toBe(404)
  clock.advance(10)
  expect((await get('/v1/trends/all', { 'x-api-key': 'secret-one' })).status).toBe(404)
  expect((await get('/v1/trends/all', { 'x-api-key': 'secret-one' })).status).toBe(429)
})
