import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPorts } from '../../cli/compose.ts'
import { loadConfig } from '../../cli/config.ts'
import { explainList, readStoredList } from '../../cli/explain-list.ts'
import type { ServedList } from '../../schemas/served-list.ts'
import { CliFolder, projectFolder } from './run-cli.ts'

// Lists of a small run with the published models, explained by the command.

const folder = new CliFolder()
const models = ['--set', `inference.repository=${join(projectFolder, 'models', 'repository')}`]
afterAll(() => folder.close())

interface Explained {
  readonly listId: string
  readonly rung: string
  readonly modelVersion: string
  readonly reserve: number
  readonly items: readonly {
    readonly itemId: string
    readonly place: number
    readonly score: number
    readonly propensity: number
    readonly explored: boolean
    readonly because: string
    readonly sources: readonly string[]
    readonly reason: { readonly itemId: string | null }
    readonly follows: { readonly itemId: string } | null
    readonly explanation: null | {
      readonly method: string
      readonly base: number
      readonly score: number
      readonly draws: number
      readonly contributions: readonly { readonly feature: string; readonly contribution: number; readonly error: number }[]
    }
  }[]
}

let user = ''
let list: ServedList | undefined

beforeAll(async () => {
  const small = ['--set', 'simulator.users=12', '--set', 'simulator.items=150', '--set', 'inference.deadlineMs=10000']
  // Everybody's list is ordered by the ranker alone.
  const regulars = ['--set', 'recommendations.blendItemsMax=0']
  const free = ['--set', 'gateway.port=0', '--set', 'admin.port=0']
  const { code, stdout, stderr } = await folder.run(
    'start',
    '--events',
    '250',
    '--seed',
    '5',
    ...free,
    ...small,
    ...regulars,
    ...models,
  )
  expect({ code, stderr }, stdout).toMatchObject({ code: 0 })
  // Whoever of the shop has a list of the model.
  const config = loadConfig(undefined, { embedded: { path: join(folder.path, 'test.db') }, log: { level: 'silent' } })
  const ports = await openPorts(config)
  for (let at = 0; list?.rung !== 'ranker' && at < 12; at++) {
    user = `u${at}`
    list = (await readStoredList(ports.lists, user, 'home'))?.list
  }
  await ports.close()
  expect(list?.rung).toBe('ranker')
}, 180_000)

it('takes each score apart: the mean of the list and the contributions sum to the score that was served', {
  timeout: 180_000,
}, async () => {
  const { code, value } = await folder.json('explain', user, '--draws', '40', ...models)
  expect(code).toBe(0)
  const { items, rung, reserve } = value as Explained
  expect(rung).toBe('ranker')
  expect(reserve).toBe(20)
  const taken = items.filter(({ explanation }) => explanation)
  expect(taken.map(({ place }) => place)).toEqual(Array.from({ length: 20 }, (_, place) => place))
  const mean = taken.reduce((sum, { score }) => sum + score, 0) / taken.length
  for (const { score, explanation, itemId } of taken) {
    const { base, contributions } = explanation!
    expect(explanation, itemId).toMatchObject({ method: 'shapley', draws: 40 })
    expect(base, itemId).toBeCloseTo(mean, 5)
    expect(base + contributions.reduce((sum, one) => sum + one.contribution, 0), itemId).toBeCloseTo(score, 5)
    // What the whole list shares sets no item apart.
    expect(contributions.map(({ feature }) => feature)).not.toContain('hour_sin')
  }
  expect(taken.some(({ explanation }) => explanation!.contributions.some(({ error }) => error > 0))).toBe(true)
  for (const { because, sources, propensity } of items) {
    expect(because).not.toBe('')
    expect(sources.length).toBeGreaterThan(0)
    expect(propensity).toBeGreaterThan(0)
  }
  expect(items.filter(({ explored }) => explored)).toHaveLength(1)
  const followed = items.filter(({ follows }) => follows)
  expect(followed.length).toBeGreaterThan(0)
  for (const { follows, reason } of followed) expect(follows!.itemId).toBe(reason.itemId)

  const one = taken[3]!
  const text = await folder.run('explain', user, '--item', one.itemId, '--draws', '40', ...models)
  expect(text.code).toBe(0)
  expect(text.stdout).toContain(one.explanation!.contributions[0]!.feature)
  expect(text.stdout).toContain(`= score ${one.explanation!.score.toFixed(4)}`)
})

it('says who and what is unknown', { timeout: 180_000 }, async () => {
  expect(await folder.run('explain', 'nobody')).toMatchObject({ code: 1, stderr: expect.stringContaining('nobody') })
  const { items } = list!
  const unknown = await folder.json('explain', user, '--why-not', 'nothing', ...models)
  const stored = { place: null, reserve: null, of: items.length }
  expect(unknown).toMatchObject({ code: 1, value: { end: 'catalogue', stored }, stderr: expect.stringContaining('nothing') })
  const noScorer = { ready: () => false, score: () => Promise.reject(new Error('nobody is asked')) }
  const absent = explainList({ list: list!, reserve: [], rows: new Map() }, null, {
    scorer: noScorer,
    model: 'ranker',
    draws: 2,
    only: 'nothing',
  })
  await expect(absent).rejects.toMatchObject({ code: 'MILL_NOT_FOUND', message: expect.stringContaining('--why-not nothing') })
})

it('the vectors that this run logged are those that its log gives again', { timeout: 180_000 }, async () => {
  const { code, value } = await folder.json('models', 'audit')
  expect({ code, value }).toMatchObject({ code: 0, value: { mismatches: 0, examples: [], gone: 0 } })
  const { contexts, rows, audited } = value as { contexts: number; rows: number; audited: number }
  expect(contexts).toBe(audited)
  expect(rows).toBeGreaterThan(audited)
})
