import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventFault } from '../../schemas/event-fault.ts'
import { devices, eventTypes } from '../../schemas/user-event.ts'
import { openGateway } from '../gateway/open-gateway.ts'
import { byteChanges, mutated } from './byte-mutations.ts'

let gateway: Awaited<ReturnType<typeof openGateway>>
let accepted = 0

beforeAll(async () => {
  gateway = await openGateway()
  await gateway.putList('u1', 'l1', ['i1', 'i2', 'i3', 'i4', 'i5'], ['i6'])
  await gateway.putTrend('all', ['i9', 'i8'])
})
afterAll(() => gateway.close())

interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly payload?: string | Buffer
  readonly type?: string
}

/** Asks, and holds the answer against what every answer owes: no 5xx, and a refusal says what is wrong. */
async function ask({ method = 'GET', url, payload, type = 'application/json' }: Asked) {
  const headers = payload === undefined ? {} : { 'content-type': type }
  const response = await gateway.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
  const status = response.statusCode
  expect(status, `${method} ${url}: ${response.body}`).toBeLessThan(500)
  const error = status >= 400 ? response.json().error : undefined
  if (status >= 400) {
    expect(error, response.body).toMatchObject({ code: expect.stringMatching(/^MILL_/), message: expect.stringMatching(/./) })
    if (status !== 404) expect(error.field, response.body).toMatch(/./)
  }
  if (method === 'POST' && url === '/v1/events' && status === 202) accepted += response.json().accepted
  return { status, error: error as { code: string; message: string; field: string; index?: number } | undefined }
}

const good = {
  event_id: 'e1',
  user_id: 'u1',
  item_id: 'i4',
  type: 'click',
  time: '2026-03-02T18:00:00Z',
  session_id: 's',
  list_id: null,
  position: 2,
  rating: null,
  price: 3.5,
  quantity: 1,
  query: null,
  device: 'mobile',
  region: 'north',
  time_zone: 'Europe/Berlin',
  category: ['shoes', 'boots'],
  brand: 'acme',
}
const fields = Object.keys(good) as (keyof typeof good)[]

/** Keys that parsers of JSON trip over. */
const poisoned = { ['__proto__']: { constructor: { prototype: 1 } } }

const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom<unknown[]>(
    '',
    'x'.repeat(129),
    'é'.repeat(65),
    '\u0000',
    '\ud800',
    -1,
    0.5,
    1e308,
    -0,
    2 ** 53,
    2 ** 31,
    true,
    null,
    [],
    {},
    poisoned,
    '0000-00-00T00:00:00Z',
    '2026-02-30T24:61:00+99:99',
    '9999-12-31T23:59:59Z',
    '-271821-04-20T00:00:00Z',
    ...devices,
    ...eventTypes,
  ),
)

describe('bodies', () => {
  it('an event with one strange value is taken, or refused by the name of that field', async () => {
    const told = { 202: 0, 400: 0 } as Record<number, number>
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields), strange, fc.nat({ max: 2 }), async (field, value, place) => {
        const events = [0, 1, 2].map((index) => ({
          ...good,
          event_id: `e${index}`,
          ...(index === place ? { [field]: value } : {}),
        }))
        const { status, error } = await ask({ method: 'POST', url: '/v1/events', payload: JSON.stringify({ events }) })
        told[status] = (told[status] ?? 0) + 1
        if (status === 202) return
        expect(status).toBe(400)
        expect(error!.index, error!.message).toBe(place)
        // Another type may need another field: a rating, a query.
        if (field !== 'type') expect(error!.field.split('.')[0], error!.message).toBe(field)
        expect(error!.message).toContain(error!.field)
      }),
      { numRuns: 600, examples: fields.map((field) => [field, poisoned, 1] as [typeof field, unknown, number]) },
    )
    expect(Math.min(...Object.values(told))).toBeGreaterThan(50)
  })

  it.each(['/v1/events', '/v1/recommend'])('any JSON at all: %s', async (url) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.record({ events: fc.jsonValue(), user_id: fc.jsonValue() })), (value) =>
        ask({ method: 'POST', url, payload: JSON.stringify(value) }).then(() => {}),
      ),
      { numRuns: 200 },
    )
  })

  it.each([
    ['/v1/events', { events: [good] }],
    ['/v1/recommend', { user_id: 'u1', count: 3, surface: 'home' }],
  ])('mutated and random bytes, whatever they claim to be: %s', async (url, body) => {
    const types = ['application/json', 'application/json; charset=utf-16', 'text/plain', 'application/x-protobuf', 'x', '']
    await fc.assert(
      fc.asyncProperty(byteChanges, fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 9 }), async (changes, bytes, dice) => {
        const payload = dice === 0 ? Buffer.from(bytes) : mutated(Buffer.from(JSON.stringify(body)), changes)
        await ask({ method: 'POST', url, payload, type: types[dice < 8 ? 0 : changes.length]! })
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['nested 100,000 deep', '['.repeat(100_000)],
    ['objects 50,000 deep', '{"events":'.repeat(50_000)],
    ['a prototype', '{"events":[],"__proto__":{"events":1}}'],
    ['a constructor', '{"constructor":{"prototype":{"x":1}},"events":[]}'],
    ['the same key twice', '{"events":1,"events":[]}'],
    ['nothing', ''],
    ['half a character', '{"events":["\ud83d'],
    ['501 events', JSON.stringify({ events: Array(501).fill(good) })],
    ['more than a mebibyte', JSON.stringify({ events: [{ ...good, query: 'x'.repeat(1_100_000) }] })],
  ])('refuses %s', async (_name, payload) => {
    const { status, error } = await ask({ method: 'POST', url: '/v1/events', payload })
    expect([400, 413], error?.message).toContain(status)
  })
})

describe('addresses', () => {
  const paths = [
    '/v1/users/{}/recommendations',
    '/v1/users/{}/features',
    '/v1/items/{}/similar',
    '/v1/items/{}/together',
    '/v1/trends/{}',
    '/{}',
    '/v1/{}',
    '/openapi.json{}',
    '/live{}',
    '/metrics{}',
  ]
  const names = ['count', 'surface', 'cursor', 'region', 'decision_log', 'x', '__proto__', 'count[]', '']
  const part = fc.oneof(
    fc.string({ maxLength: 40 }).map(encodeURIComponent),
    fc.string({ unit: 'binary', maxLength: 10 }).map((text) => encodeURIComponent(text.toWellFormed())),
    fc.constantFrom('%', '%zz', '%ff', '%00', '..', '.', '//', 'u1', 'all', 'i1', 'x'.repeat(129), 'y'.repeat(3000), '%2f%2e%2e'),
  )
  const query = fc.array(fc.tuple(fc.constantFrom(...names), part), { maxLength: 4 })
  const method = fc.constantFrom(...(['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE'] as const))

  it('any address and query is answered or refused', async () => {
    const told: Record<number, number> = {}
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), part, query, method, async (path, id, asked, verb) => {
        const url = `${path.replace('{}', id)}?${asked.map(([name, value]) => `${name}=${value}`).join('&')}`
        const { status } = await ask({ method: verb, url })
        told[status] = (told[status] ?? 0) + 1
      }),
      { numRuns: 800 },
    )
    expect(Object.keys(told)).toEqual(expect.arrayContaining(['200', '400', '404', '405']))
  })

  it('a mutated cursor is refused by name, and the true one goes on', async () => {
    const url = '/v1/users/u1/recommendations?count=2'
    const first = await gateway.app.inject({ url })
    const cursor: string = first.json().next_cursor
    await fc.assert(
      fc.asyncProperty(byteChanges, async (changes) => {
        const bytes = Buffer.from(cursor, 'base64url')
        const other = mutated(bytes, changes)
        fc.pre(other.length > 0 && !other.equals(bytes))
        const { status, error } = await ask({ url: `${url}&cursor=${other.toString('base64url')}` })
        expect([status, error?.field]).toEqual([400, 'cursor'])
      }),
      { numRuns: 150 },
    )
    expect((await gateway.app.inject({ url: `${url}&cursor=${cursor}` })).json().recommendations).toHaveLength(2)
  })
})

it('what was taken is in the log, whole and valid', async () => {
  expect(await validEvents()).toBe(accepted)
  expect(accepted).toBeGreaterThan(100)
})

it('mutated HTTP on the socket is answered or hung up on, and others are served meanwhile', async () => {
  const address = new URL(await gateway.app.listen({ port: 0, host: '127.0.0.1' }))
  const body = JSON.stringify({ events: [good] })
  const head = 'POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n'
  const message = Buffer.from(`${head}content-length: ${body.length}\r\n\r\n${body}`)
  const statuses = new Set<string>()
  await fc.assert(
    fc.asyncProperty(byteChanges, fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 4 }), async (changes, bytes, dice) => {
      const sent = dice === 0 ? Buffer.from(bytes) : mutated(message, changes)
      const answer = await exchange(Number(address.port), sent)
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]
      if (answer !== '') expect(status, answer).toMatch(/^[24]/)
      if (status) statuses.add(status)
      for (const found of answer.matchAll(/"accepted":(\d+)/g)) accepted += Number(found[1])
    }),
    { numRuns: 250 },
  )
  expect(statuses).toContain('202')
  expect(statuses).toContain('400')
  expect((await fetch(new URL('/live', address))).status).toBe(200)
  // Bytes behind a good request hang up on its answer: it was taken all the same.
  expect(await validEvents()).toBeGreaterThanOrEqual(accepted)
})

/** How many events lie in the log; none may break a rule. */
async function validEvents(): Promise<number> {
  const events = await gateway.read('user-events')
  expect(events.map((event) => eventFault(event, Date.now())).filter((fault) => fault !== null)).toEqual([])
  return events.length
}

/** Sends bytes, then the end; what came back until the other side hung up. */
function exchange(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    const limit = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no answer and no end after 5 s to ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`))
    }, 5_000)
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', () => {}) // A reset is a way to hang up.
    socket.on('close', () => {
      clearTimeout(limit)
      resolve(answer)
    })
  })
}
