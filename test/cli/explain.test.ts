import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rankerFeatureNames } from '../../algorithms/ranker-features.ts'
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

it('takes a score of boosted trees apart by the trees of the version that made the list', { timeout: 180_000 }, async () => {
  const repository = join(folder.path, 'models')
  cpSync(join(projectFolder, 'models', 'repository'), repository, { recursive: true })
  const trees = join(repository, 'ranker', list!.modelVersion, 'trees.json')
  const boosted = ['--set', `inference.repository=${repository}`]
  // Two stumps: their SHAP values are what each leaf differs from the mean of its tree.
  const stump = (name: string, threshold: number, leaves: readonly [number, number]) => ({
    feature: [rankerFeatureNames.indexOf(name as never), -1, -1],
    threshold: [threshold, 0, 0],
    left: [1, 0, 0],
    right: [2, 0, 0],
    value: [0, ...leaves],
    cover: [100, 75, 25],
  })
  const forest = {
    columns: rankerFeatureNames,
    base: 0,
    trees: [stump('popularity_log', 1, [-0.2, 0.4]), stump('hour_sin', 2, [0.8, 0])],
  }
  writeFileSync(trees, JSON.stringify(forest))
  const { code, value } = await folder.json('explain', user, ...boosted)
  expect(code).toBe(0)
  const taken = (value as Explained).items.flatMap(({ explanation }) => explanation ?? [])
  expect(taken).toHaveLength(20)
  for (const { method, draws, base, score, contributions } of taken) {
    expect({ method, draws, base: Number(base.toFixed(6)) }).toEqual({ method: 'tree-shap', draws: 0, base: 0.55 })
    const by = new Map(contributions.map((one) => [one.feature, one]))
    expect([...by.keys()].sort()).toEqual(['hour_sin', 'popularity_log'])
    expect(by.get('hour_sin')).toMatchObject({ contribution: expect.closeTo(0.2, 6) as number, error: 0 })
    const popularity = by.get('popularity_log') as unknown as { readonly value: number; readonly contribution: number }
    expect(popularity.contribution).toBeCloseTo(popularity.value <= 1 ? -0.15 : 0.45, 6)
    expect(score).toBeCloseTo(popularity.value <= 1 ? 0.6 : 1.2, 6)
  }
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
    forestOf: () => Promise.resolve(null),
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
