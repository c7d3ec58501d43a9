import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { importLists, removeImport } from '../../cli/import-lists.ts'
import { assignVariant } from '../../core/assignment.ts'
import { MillraceError } from '../../core/errors.ts'
import { experimentOf } from './experiment-of.ts'
import { openGateway } from './open-gateway.ts'

type Gateway = Awaited<ReturnType<typeof openGateway>>
let gateway: Gateway
afterEach(() => gateway.close())

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `i${from + index}`)

async function get(url: string) {
  const response = await gateway.app.inject({ method: 'GET', url })
  return { status: response.statusCode, body: response.json() }
}

const shownIn = (body: { recommendations: { item_id: string }[] }) => body.recommendations.map((entry) => entry.item_id)

it('serves the list with live prices, without what is sold out, filled up from the reserve', async () => {
  gateway = await openGateway()
  await gateway.putList('u1', 'l1', ids(4, 10), ids(20, 25))
  gateway.catalogue.set('i5', { ...gateway.catalogue.get('i5')!, price: 99 })
  gateway.catalogue.delete('i6') // Withdrawn.
  const { status, body } = await get('/v1/users/u1/recommendations?count=6')
  expect(status).toBe(200)
  expect(shownIn(body)).toEqual(['i4', 'i5', 'i8', 'i9', 'i20', 'i21'])
  expect(body).toMatchObject({
    user_id: 'u1',
    list_id: 'l1',
    policy: 'learned',
    policy_version: '3',
    rung: 'ranker',
    model_version: '2',
    experiment: null,
    variant: null,
    watermark: '2027-01-15T08:00:00.000Z',
  })
  expect(body.timestamp).toMatch(/^\d{4}-.*Z$/)
  expect(body.recommendations[1]).toMatchObject({
    position: 1,
    reasons: [{ code: 'seen_together', item_id: 'i0', text: 'often seen with Item 0' }],
    item: { title: 'Item 5', price: 99, stock: 5, category: ['shoes', 'sandals'], brand: 'acme' },
  })
})

it('logs every showing with propensities and what the models saw, and no look', async () => {
  gateway = await openGateway()
  await gateway.putList('u1', 'l1', ids(10, 16))
  const { body } = await get('/v1/users/u1/recommendations?count=5')
  const look = await get('/v1/users/u1/recommendations?decision_log=false')
  expect(look.body.decision_id).toBeNull()
  await gateway.decisions.close()
  const decisions = await gateway.read('decisions')
  expect(decisions).toHaveLength(1)
  expect(decisions[0]).toMatchObject({
    decisionId: body.decision_id,
    listId: 'l1',
    userId: 'u1',
    policy: 'learned',
    rung: 'ranker',
    slots: [
      { itemId: 'i10', position: 0, propensity: 1, source: 'together', explored: false },
      { itemId: 'i11' },
      { itemId: 'i12' },
      { itemId: 'i13', position: 3, propensity: 0.25, explored: true },
      { itemId: 'i14' },
    ],
  })
  expect(Buffer.from(decisions[0]!.context).readFloatLE(0)).toBe(1)
  expect(Buffer.from(decisions[0]!.slots[0]!.features).readFloatLE(0)).toBe(2)
  expect(decisions[0]!.slots[1]!.features).toHaveLength(0)
})

it('pages through list and reserve without repeats, positions running on', async () => {
  gateway = await openGateway()
  await gateway.putList('u1', 'l1', ids(10, 20), ids(20, 24))
  const pages: string[][] = []
  const positions: number[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body } = await get(`/v1/users/u1/recommendations?count=5${cursor === '' ? '' : `&cursor=${cursor}`}`)
    pages.push(shownIn(body))
    positions.push(...body.recommendations.map((entry: { position: number }) => entry.position))
    cursor = body.next_cursor
  }
  expect(pages).toEqual([ids(10, 15), ids(15, 20), ids(20, 24)])
  expect(positions).toEqual(Array.from({ length: 14 }, (_, index) => index))
})

it('reads on in the new list minus what was shown when the list was replaced between two pages', async () => {
  gateway = await openGateway()
  await gateway.putList('u1', 'l1', ids(10, 20))
  const first = await get('/v1/users/u1/recommendations?count=3')
  await gateway.putList('u1', 'l2', ['i11', 'i40', 'i10', 'i41'])
  const second = await get(`/v1/users/u1/recommendations?count=3&cursor=${first.body.next_cursor}`)
  expect(second.body.list_id).toBe('l2')
  expect(shownIn(second.body)).toEqual(['i40', 'i41'])
})

it('refuses a cursor that was tampered with or made for somebody else', async () => {
  gateway = await openGateway()
  await gateway.putList('u1', 'l1', ids(10, 20))
  const { body } = await get('/v1/users/u1/recommendations?count=3')
  const token = body.next_cursor as string
  const forged = `${token.slice(0, 30)}${token[30] === 'A' ? 'B' : 'A'}${token.slice(31)}`
  for (const url of [
    `/v1/users/u1/recommendations?cursor=${forged}`,
    `/v1/users/u2/recommendations?cursor=${token}`,
    '/v1/users/u1/recommendations?cursor=x',
  ]) {
    const refused = await get(url)
    expect(refused.status).toBe(400)
    expect(refused.body.error).toMatchObject({ code: 'MILL_REQUEST_INVALID', field: 'cursor' })
  }
})

it('answers an unknown person with the trend list of the region, else of all', async () => {
  gateway = await openGateway()
  await gateway.putTrend('scope:all', ids(0, 30))
  await gateway.putTrend('scope:region:north', ['i50', 'i51'])
  const everywhere = await get('/v1/users/nobody/recommendations?count=3')
  expect(everywhere.body).toMatchObject({ policy: 'trend', rung: 'trend', model_version: '' })
  expect(shownIn(everywhere.body)).toEqual(['i0', 'i1', 'i2'])
  const north = await get('/v1/users/nobody/recommendations?region=north')
  expect(shownIn(north.body)).toEqual(['i50', 'i51'])
  expect(north.body.recommendations[0].reasons[0].text).toBe('trending in north')
  const unseen = await get('/v1/users/nobody/recommendations?region=south&count=1')
  expect(shownIn(unseen.body)).toEqual(['i0'])
})

it('has an empty answer, and no decision, before anything was seen', async () => {
  gateway = await openGateway()
  const { status, body } = await get('/v1/users/nobody/recommendations')
  expect(status).toBe(200)
  expect(body).toMatchObject({ recommendations: [], decision_id: null, next_cursor: null })
})

it('serves the trend variant the trend list, for the share of people it was given', async () => {
  gateway = await openGateway({
    experiments: [
      experimentOf('exp', {
        variants: [
          { name: 'learned', weight: 0.8, policy: 'learned', settings: null },
          { name: 'trend', weight: 0.2, policy: 'trend', settings: null },
        ],
      }),
    ],
  })
  await gateway.putTrend('scope:all', ids(30, 40))
  const seen = { learned: 0, trend: 0 }
  for (let user = 0; user < 400; user++) {
    await gateway.putList(`u${user}`, `l${user}`, ids(10, 20))
    const { policy, variant, experiment } = await gateway.service.recommend({ userId: `u${user}`, surface: 'home', count: 5 })
    expect(experiment).toBe('exp')
    expect(policy).toBe(variant)
    seen[variant as 'learned' | 'trend']++
  }
  // 400 draws at .2: mean 80, standard deviation 8.
  expect(seen.trend).toBeGreaterThan(48)
  expect(seen.trend).toBeLessThan(112)
})

it('logs every experiment of a showing with the decision, and aims by what the request says', async () => {
  const open = ['a', 'b'].map((name) => ({ name, weight: 1, policy: null, settings: null }))
  gateway = await openGateway({
    experiments: [experimentOf('phones', { variants: open, devices: ['mobile'], regions: ['north'] }), experimentOf('policy')],
  })
  await gateway.putTrend('scope:all', ids(30, 40))
  await gateway.putList('u1', 'l1', ids(10, 20))
  const { body } = await get('/v1/users/u1/recommendations?device=mobile&region=north')
  await get('/v1/users/u1/recommendations?device=desktop&region=north')
  expect((await get('/v1/users/u1/recommendations?device=watch')).status).toBe(400)
  await gateway.decisions.close()
  const decisions = await gateway.read('decisions')
  expect(decisions.map(({ assignments }) => assignments.map(({ experiment }) => experiment))).toEqual([
    ['phones', 'policy'],
    ['policy'],
  ])
  const [, policy] = decisions[0]!.assignments
  expect(body).toMatchObject(policy!)
  expect(decisions[0]).toMatchObject({ ...policy, policy: policy!.variant === 'a' ? 'learned' : 'trend' })
})

it('counts as shown under a variant only a list that was made under it', async () => {
  const settings = '{"ranker":{"version":"2"}}'
  const variants = [null, settings].map((one, at) => ({ name: 'ab'[at]!, weight: 1, policy: null, settings: one }))
  gateway = await openGateway({ experiments: [experimentOf('lists', { variants }), experimentOf('shown')] })
  const assigned = async (list: { made?: unknown }) => {
    await gateway.putList('u1', 'l1', ids(10, 20), [], list)
    const { experiment, variant, assignments } = await gateway.service.recommend({ userId: 'u1', surface: 'home', count: 2 })
    return { experiment, variant, assignments: assignments.map((one) => `${one.experiment} ${one.variant}`) }
  }
  const own = { experiment: 'lists', variant: assignVariant('lists', 'u1', [1, 1]) === 0 ? 'a' : 'b' }
  const other = { ...own, variant: own.variant === 'a' ? 'b' : 'a' }
  expect(await assigned({ made: own })).toEqual({ ...own, assignments: [`lists ${own.variant}`] })
  // Made before the experiment began, or by an older engine, or in its other variant, or for another experiment.
  for (const made of [null, undefined, other, { ...own, experiment: 'gone' }])
    expect(await assigned({ made }), JSON.stringify(made)).toEqual({ experiment: null, variant: null, assignments: [] })
})

it("shows another vendor's lists to the people of their variant alone, as far as it has any, and tells what it showed", async () => {
  const variants = (['learned', 'imported:acme'] as const).map((policy) => ({
    name: policy.replace('imported:', ''),
    weight: 1,
    policy,
    settings: null,
  }))
  gateway = await openGateway({ experiments: [experimentOf('vendors', { variants })] })
  await gateway.putTrend('scope:all', ids(50, 60))
  const people = Array.from({ length: 40 }, (_, n) => `p${n}`)
  for (const person of people) await gateway.putList(person, `own-${person}`, ids(30, 40))
  const theirs = people.filter((person) => assignVariant('vendors', person, [1, 1]) === 1)
  const [known, soldOut, gone, unknown] = theirs as [string, string, string, string]
  const shown = async (userId: string) => {
    const { policy, variant, experiment, items } = await gateway.service.recommend({ userId, surface: 'home', count: 3 })
    expect([experiment, variant]).toEqual(['vendors', theirs.includes(userId) ? 'acme' : 'learned'])
    return [policy, items[0]?.sources[0], ...items.map(({ itemId }) => itemId)].join(' ')
  }
  const put = async (...lines: object[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-imported-'))
    writeFileSync(join(folder, 'acme.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'))
    await importLists(gateway.ports, folder, { name: 'acme', surface: 'home', days: 1 })
    rmSync(folder, { recursive: true })
  }
  const trend = 'trend popular i50 i51 i52'
  expect(await Promise.all(theirs.map(shown))).toEqual(theirs.map(() => trend))

  // i7 is sold out, `no` was never there.
  const lists = people.map((userId) => ({ userId, items: ['i9', 'i7', 'no', 'i8', 'i10', 'i11'], scores: [6, 5, 4, 3, 2, 1] }))
  await put(...lists.filter(({ userId }) => userId !== soldOut && userId !== unknown), { userId: soldOut, items: ['i7', 'no'] })
  for (const person of people.filter((one) => one !== soldOut && one !== unknown)) {
    const isTheirs = theirs.includes(person)
    expect(await shown(person)).toBe(isTheirs ? 'imported:acme imported i9 i8 i10' : 'learned together i30 i31 i32')
  }
  expect([await shown(soldOut), await shown(unknown)]).toEqual([trend, trend])

  // A later import: who is not in it has the list for everybody else.
  await put({ userId: known, items: ['i20'] }, { items: ['i7', 'i21'] })
  expect(await shown(known)).toBe('imported:acme imported i20')
  expect(await shown(gone)).toBe('imported:acme imported_for_all i21')
  const { decisionId } = await gateway.service.recommend({ userId: known, surface: 'home', count: 3 })
  expect(await removeImport(gateway.ports, { name: 'acme', surface: 'home' })).toBe(39)
  expect(await shown(known)).toBe(trend)

  await gateway.decisions.close()
  const decisions = await gateway.read('decisions')
  expect(new Set(decisions.map(({ listId }) => listId)).size, 'each showing of a list that lies there is a list').toBe(
    decisions.filter(({ policy }) => policy !== 'learned').length + people.length - theirs.length,
  )
  const logged = decisions.find((one) => one.decisionId === decisionId)
  expect(logged).toMatchObject({
    ...{ policy: 'imported:acme', rung: 'imported', modelVersion: '', experiment: 'vendors', variant: 'acme' },
    assignments: [{ experiment: 'vendors', variant: 'acme' }],
    slots: [{ itemId: 'i20', position: 0, propensity: 1, source: 'imported', explored: false }],
  })
})

it('answers POST /v1/recommend alike', async () => {
  gateway = await openGateway()
  await gateway.putList('u1', 'l1', ids(10, 30))
  const response = await gateway.app.inject({ method: 'POST', url: '/v1/recommend', payload: { user_id: 'u1', count: 4 } })
  expect(shownIn(response.json())).toEqual(ids(10, 14))
})

it.each([
  ['/v1/users/u1/recommendations?count=0', 'count'],
  ['/v1/users/u1/recommendations?count=51', 'count'],
  ['/v1/users/u1/recommendations?count=many', 'count'],
  ['/v1/users/u1/recommendations?cuont=3', 'cuont'],
  ['/v1/users/u1/recommendations?surface=a%20b', 'surface'],
  [`/v1/users/${'u'.repeat(129)}/recommendations`, 'id'],
])('refuses %s naming the field', async (url, field) => {
  gateway = await openGateway()
  const { status, body } = await get(url)
  expect(status).toBe(400)
  expect(body.error).toMatchObject({ code: 'MILL_REQUEST_INVALID', field })
})

it('shows nothing that cannot be logged: a full decision buffer is a 503, and nothing held is dropped', async () => {
  let away = true
  gateway = await openGateway({
    decisionsMax: 2,
    around: (log) => ({
      send: (records) => (away ? Promise.reject(unavailable()) : log.send(records)),
    }),
  })
  await gateway.putList('u1', 'l1', ids(10, 20))
  expect((await get('/v1/users/u1/recommendations')).status).toBe(200)
  expect((await get('/v1/users/u1/recommendations')).status).toBe(200)
  const refused = await gateway.app.inject({ method: 'GET', url: '/v1/users/u1/recommendations' })
  expect(refused.statusCode).toBe(503)
  expect(refused.headers['retry-after']).toBe('1')
  expect(refused.json().error.code).toBe('MILL_BUFFER_FULL')
  expect((await get('/v1/users/u1/recommendations?decision_log=false')).status).toBe(200)
  away = false
  await gateway.decisions.close()
  expect(await gateway.read('decisions')).toHaveLength(2)
})

function unavailable() {
  return new MillraceError('MILL_LOG_UNAVAILABLE', 'away')
}
