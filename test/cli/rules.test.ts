import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openPorts } from '../../cli/compose.ts'
import { loadConfig } from '../../cli/config.ts'
import { openJob } from '../../cli/open-job.ts'
import { readRuleFile } from '../../cli/rule-file.ts'
import { readRules, sendRules } from '../../cli/rule-log.ts'
import { previewRules } from '../../cli/rule-preview.ts'
import { partitionFor } from '../../core/partition-for.ts'
import { Engine } from '../../runtime/engine.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import type { Recommendation, RecommendedItem } from '../../schemas/recommendation.ts'
import { ruleFields, ruleKinds } from '../../schemas/rule.ts'
import { encodeServed } from '../../schemas/served-list.ts'
import { never } from '../algorithms/rules/rule-examples.ts'
import { CliFolder, projectFolder } from './run-cli.ts'

let folder: CliFolder
beforeEach(() => {
  folder = new CliFolder()
})
afterEach(() => folder.close())

const partitions = 4

const ports = () =>
  openPorts(loadConfig(undefined, { embedded: { path: join(folder.path, 'test.db') }, log: { level: 'silent' } }))

/** The rules that are set, read here: a process each would cost half a second. */
async function rulesSet() {
  const opened = await ports()
  const rules = await readRules(opened)
  await opened.close()
  return rules
}

function write(name: string, rules: unknown): string {
  const path = join(folder.path, name)
  writeFileSync(path, typeof rules === 'string' ? rules : JSON.stringify(rules))
  return path
}

it('sets, lists and removes rules, and keeps an audit', { timeout: 120_000 }, async () => {
  const path = write('spring.json', [
    {
      id: 'no-acme',
      field: 'brand',
      values: ['Acme'],
      bias: 0,
      surfaces: ['home'],
      from: '2026-03-01',
      to: '2026-04-01T12:30:00+02:00',
    },
    { id: 'top', kind: 'pin', values: ['i9'], position: 0, note: 'campaign' },
    { id: 'fresh', kind: 'quota', field: 'ageDays', valueMax: 30, first: 10, countMin: 2 },
  ])
  expect((await folder.json('rules', 'set', path)).value).toEqual({ set: 3, removed: 0 })
  const rules = await rulesSet()
  expect(rules.map(({ id }) => id)).toEqual(['fresh', 'no-acme', 'top'])
  expect(rules[1]).toMatchObject({
    kind: 'bias',
    fromMs: Date.UTC(2026, 2, 1),
    toMs: Date.UTC(2026, 3, 1, 10, 30),
    surfaces: ['home'],
  })
  const { stdout } = await folder.run('rules', 'ls')
  expect(stdout).toMatch(/no-acme +never +brand Acme +home +2026-03-01 +2026-04-01T10:30Z/)
  expect(stdout).toMatch(/top +pin at 0 +itemId i9 +– +– +– +campaign/)
  expect(stdout).toMatch(/fresh +2–10 of the first 10 +ageDays –30/)
  expect((await folder.run('rules', 'rm', 'top')).stdout).toBe('top removed\n')
  expect(await folder.run('rules', 'rm', 'top')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no rule top'),
  })
  const one = write('one.json', { id: 'no-acme', field: 'brand', values: ['Acme', 'Umbra'], bias: 0 })
  expect((await folder.json('rules', 'set', one, '--replace')).value).toEqual({ set: 1, removed: 1 })
  // Somebody writes to the topic without asking.
  const opened = await ports()
  await sendRules(opened, [{ ...rules[1]!, id: 'wrong', bias: -7 }])
  await opened.close()
  expect((await folder.json('rules', 'ls')).value).toMatchObject({
    rules: [{ id: 'no-acme', values: ['Acme', 'Umbra'] }, { id: 'wrong' }],
    faults: { wrong: expect.stringContaining('bias -7') },
  })
  const acts = readFileSync(join(folder.path, 'audit.jsonl'), 'utf8').trim().split('\n')
  expect(acts.map((line) => (JSON.parse(line) as { act: string }).act)).toEqual(['rules set', 'rules rm', 'rules set'])
})

it('a job counts the rules it makes lists by, and those it leaves out', async () => {
  const settings = { embedded: { path: ':memory:' }, inference: { repository: folder.path }, log: { level: 'silent' } }
  const { tables, ports: opened, inference } = await openJob(loadConfig(undefined, settings))
  try {
    const right = { ...never('no-acme', 'Acme'), note: '' }
    const rules = [right, { ...right, id: 'wrong', bias: -7 }, { ...right, id: 'odd', bias: -8 }]
    tables.rules.apply(rules.map((value) => ({ key: value.id, value, offset: 0, loggedMs: 0 })))
    const told = [...(await opened.metrics.scrape()).matchAll(/^millrace_rules\{state="([^"]+)"[^}]*\} (\d+)/gm)]
    expect(told.map(([, state, count]) => [state, count])).toEqual([
      ['set', '1'],
      ['left-out', '2'],
    ])
  } finally {
    await inference.close()
    await opened.close()
  }
})

it('refuses a wrong file with the place and the fix, and sets nothing of it', { timeout: 120_000 }, async () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    ['{', 'not readable as JSON'],
    ['[3]', 'rule 1: write an object'],
    [{ field: 'brand' }, 'rule 1: field "id" is missing'],
    [
      [
        { id: 'a', values: ['x'], bias: 0 },
        { id: 'b', colour: 'red' },
      ],
      'rule 2: field "colour" is unknown',
    ],
    [{ id: 'a', values: 'x' }, 'field "values": write a list'],
    [{ id: 'a', bias: '2' }, 'field "bias": write a number'],
    [{ id: 'a', from: '2026-03-01T12:00' }, 'field "from": write a date or a time with its zone'],
    [{ id: 'a', from: '2026-13-01' }, 'field "from"'],
    [{ id: 'a', kind: 'pin', values: ['x'] }, 'rule a, position null: write a place'],
    [
      [
        { id: 'a', values: ['x'], bias: 0 },
        { id: 'a', values: ['x'], bias: 0 },
      ],
      'rule a comes twice',
    ],
  ]
  for (const [content, said] of wrong) {
    const path = write('wrong.json', content)
    expect(() => readRuleFile(path), said).toThrow(said)
  }
  expect(() => readRuleFile(join(folder.path, 'none.json'))).toThrow('none.json')
  const path = write('wrong.json', [
    { id: 'right', values: ['x'], bias: 0 },
    { id: 'wrong', values: ['x'], bias: -3 },
  ])
  expect(await folder.run('rules', 'set', path)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('rule wrong, bias -3'),
  })
  expect(existsSync(join(folder.path, 'audit.jsonl'))).toBe(false)
  expect(await rulesSet()).toEqual([])
})

it('reads the example of docs/rules.md, which has one of each kind', () => {
  const page = readFileSync(join(projectFolder, 'docs', 'rules.md'), 'utf8')
  const rules = readRuleFile(write('example.json', /```json\n([\s\S]*?)```/.exec(page)![1]!))
  expect(new Set(rules.map(({ kind }) => kind))).toEqual(new Set(ruleKinds))
  expect(rules.find(({ id }) => id === 'push-own')).toMatchObject({ bias: 1.2, fromMs: Date.UTC(2026, 2, 1) })
  for (const field of ruleFields) expect(page).toContain(`\`${field}\``)
})

it('shows which stored lists would change, and changes none', { timeout: 120_000 }, async () => {
  await storeLists()
  const path = write('rules.json', [
    { id: 'no-acme', field: 'brand', values: ['Acme'], bias: 0 },
    { id: 'top', kind: 'pin', values: ['i4'], position: 0, surfaces: ['home'] },
    { id: 'tomorrow', values: ['i2'], bias: 0, from: '2030-01-01' },
  ])
  const before = await folder.json('rules', 'test', path)
  expect(before).toMatchObject({ code: 0 })
  expect(before.value).toEqual({
    lists: 2,
    changed: 2,
    itemsIn: 3,
    itemsOut: 3,
    rules: [
      { id: 'no-acme', lists: 2, moves: 2, broken: 0 },
      { id: 'top', lists: 2, moves: 2, broken: 0 },
      { id: 'tomorrow', lists: 0, moves: 0, broken: 0 },
    ],
    broken: [],
    examples: expect.any(Array),
  })
  const { examples } = before.value as { examples: { userId: string }[] }
  expect(examples.find(({ userId }) => userId === 'u1')).toEqual({
    userId: 'u1',
    surface: 'home',
    before: ['i1', 'i2', 'i3'],
    after: ['i4', 'i2', 'i5'],
    moves: [
      { ruleId: 'no-acme', kind: 'excluded', itemId: 'i1', from: 0, to: -1 },
      { ruleId: 'no-acme', kind: 'excluded', itemId: 'i3', from: 2, to: -1 },
      { ruleId: 'top', kind: 'pinned', itemId: 'i4', from: 1, to: 0 },
      { ruleId: null, kind: 'back-filled', itemId: 'i5', from: 4, to: 2 },
    ],
  })
  const words = await folder.run('rules', 'test', path, '--at', '2030-06-01', '--examples', '1')
  expect(words.stdout).toContain('2 of 2 lists would change')
  expect(words.stdout).toMatch(/tomorrow +2 +2 +0/)
  expect(words.stdout).toMatch(/i1 excluded 0 → out by no-acme/)
  const impossible = write('impossible.json', { id: 'sold', kind: 'pin', values: ['i6'], position: 0 })
  const refused = await folder.json('rules', 'test', impossible)
  expect(refused).toMatchObject({ code: 1, value: { changed: 0, rules: [{ id: 'sold', lists: 2, moves: 0, broken: 2 }] } })
  expect(await rulesSet()).toEqual([])
  const opened = await ports()
  const [kept] = await opened.lists.get([listKeys.recommendations('u1', 'home')])
  expect(JSON.parse(kept!)).toMatchObject({ items: [{ itemId: 'i1' }, { itemId: 'i2' }, { itemId: 'i3' }] })
  // Once set, they would change nothing more.
  await sendRules(opened, readRuleFile(path))
  expect(await previewRules(opened, readRuleFile(path), { examplesMax: 1 })).toMatchObject({ lists: 2, changed: 0 })
  // A new boost would; one that is set is in the stored order already.
  const boost = readRuleFile(write('boost.json', { id: 'boost', values: ['i5'], bias: 50 }))
  expect(await previewRules(opened, boost, { examplesMax: 1 })).toMatchObject({ changed: 2 })
  await sendRules(opened, boost)
  expect(await previewRules(opened, boost, { examplesMax: 1 })).toMatchObject({ changed: 0 })
  await opened.close()
})

/** Two people's lists as the engine leaves them: topic and store, with a reserve. i1 and i3 are of Acme, i6 is sold out. */
async function storeLists(): Promise<void> {
  const { log, wire, lists, close } = await ports()
  await Engine.ensureTopics(log, partitions)
  const items = ['i1', 'i2', 'i3', 'i4', 'i5', 'i6'].map((itemId, n) => ({
    itemId,
    title: itemId,
    description: '',
    category: ['Home'],
    tags: [],
    brand: n % 2 === 0 && n < 4 ? 'Acme' : null,
    price: 10,
    margin: 1,
    stock: itemId === 'i6' ? 0 : null,
    createdMs: 0,
    imageUrl: null,
    listPrice: null,
    sellerRating: null,
    releasedMs: null,
  }))
  const recommended = (itemId: string, n: number): RecommendedItem => ({
    itemId,
    score: 1 - n / 10,
    sources: ['popular'],
    reason: { code: 'popular', itemId: null, scope: null },
    propensity: 1,
    explored: false,
  })
  const listOf = (userId: string, ids: readonly string[]): Recommendation => ({
    listId: `${userId}-1`,
    userId,
    surface: 'home',
    generatedMs: 1,
    watermarkMs: Date.UTC(2026, 0, 1),
    loggedMs: 1,
    policy: 'learned',
    policyVersion: '1',
    exploration: null,
    made: null,
    seed: '',
    rung: 'linear',
    modelVersion: '',
    personalShare: 1,
    rules: [],
    items: ids.map(recommended),
  })
  const stored = [
    { list: listOf('u1', ['i1', 'i2', 'i3']), reserve: ['i4', 'i5'] },
    { list: listOf('u2', ['i2', 'i5', 'i1']), reserve: [] },
  ]
  await log.send([
    ...items.map((item) => ({
      topic: 'items',
      partition: partitionFor(item.itemId, partitions),
      key: item.itemId,
      value: wire.encode('items', item),
    })),
    ...stored.map(({ list }) => ({
      topic: 'recommendations',
      partition: partitionFor(list.userId, partitions),
      key: list.userId,
      value: wire.encode('recommendations', list),
    })),
  ])
  const version = { epoch: 1, position: 1 }
  await lists.swap(
    stored.map(({ list, reserve }) => ({
      key: listKeys.recommendations(list.userId, list.surface),
      value: encodeServed(version, list),
      companions: [
        {
          key: listKeys.reserve(list.userId, list.surface),
          value: encodeServed(version, { listId: list.listId, items: reserve.map(recommended) }),
        },
      ],
      version,
      ttlS: 0,
    })),
  )
  await close()
}
