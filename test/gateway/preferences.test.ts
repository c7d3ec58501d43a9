import { afterEach, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { UserFeatures } from '../../schemas/user-features.ts'
import type { UserProfile } from '../../schemas/user-profile.ts'
import { openGateway } from './open-gateway.ts'

let gateway: Awaited<ReturnType<typeof openGateway>>
afterEach(() => gateway.close())

async function choose(userId: string, body: unknown) {
  const response = await gateway.app.inject({
    method: 'POST',
    url: `/v1/users/${encodeURIComponent(userId)}/preferences`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  })
  return { status: response.statusCode, body: response.json() }
}

const nowMs = Date.UTC(2026, 2, 2)

it('makes a profile of the choices of somebody new, and answers once the log has it', async () => {
  gateway = await openGateway({ clock: new ManualClock(nowMs) })
  const { status, body } = await choose('new é', { categories: ['boots', 'hats'], age_group: 'age_25_34' })
  expect(status).toBe(202)
  expect(body).toMatchObject({ user_id: 'new é', preferred_categories: ['boots', 'hats'], age_group: 'age_25_34' })
  expect(await gateway.read('users')).toEqual([
    {
      userId: 'new é',
      ageGroup: 'age_25_34',
      gender: null,
      region: null,
      preferredCategories: ['boots', 'hats'],
      consent: true,
      updatedMs: nowMs,
    },
  ])
})

it('keeps what is known and not named; null takes it back', async () => {
  gateway = await openGateway({ clock: new ManualClock(nowMs) })
  const profile: UserProfile = {
    userId: 'u1',
    ageGroup: 'age_65_plus',
    gender: 'x',
    region: 'south',
    preferredCategories: ['hats'],
    consent: false,
    updatedMs: 5,
  }
  gateway.features.set('u1', { profile } as UserFeatures)
  await choose('u1', { categories: [], region: null })
  expect(await gateway.read('users')).toEqual([{ ...profile, preferredCategories: [], region: null, updatedMs: nowMs }])
})

it.each([
  ['nothing', {}, 'body'],
  ['an unknown field', { colour: 'red' }, 'colour'],
  ['an age', { age_group: 31 }, 'age_group'],
  ['an unknown band', { age_group: 'old' }, 'age_group'],
  ['an empty category', { categories: [''] }, 'categories'],
  ['a category twice', { categories: ['a', 'a'] }, 'categories'],
  ['too many', { categories: Array.from({ length: 33 }, (_, n) => `c${n}`) }, 'categories'],
])('refuses %s by name, and writes nothing', async (_name, body, field) => {
  gateway = await openGateway()
  const answer = await choose('u1', body)
  expect(answer).toMatchObject({ status: 400, body: { error: { code: 'MILL_REQUEST_INVALID' } } })
  expect(answer.body.error.field).toContain(field)
  expect(await gateway.read('users')).toEqual([])
})

it('says so where the log does not take it', async () => {
  const away = { send: () => Promise.reject(new MillraceError('MILL_LOG_UNAVAILABLE', 'the log is away')) }
  gateway = await openGateway({ around: () => away })
  expect(await choose('u1', { consent: true })).toMatchObject({ status: 503, body: { error: { code: 'MILL_LOG_UNAVAILABLE' } } })
})
