import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { sendDefinitions } from '../../cli/definition-log.ts'
import { readExperimentFile } from '../../cli/experiment-file.ts'
import { readExperiments } from '../../cli/experiment-log.ts'
import { importLists } from '../../cli/import-lists.ts'
import { readTopic } from '../../cli/read-topic.ts'
import { unusableVariant } from '../../cli/unusable-variant.ts'
import { assignVariant } from '../../core/assignment.ts'
import type { RecommendationAnswer } from '../../gateway/recommendation-answer.ts'
import type { ExperimentResult } from '../../schemas/experiment-result.ts'
import type { ExperimentStop } from '../../schemas/experiment-stop.ts'
import type { Item } from '../../schemas/item.ts'
import type { ShopRecord } from '../../simulator/record-shop.ts'
import { CliFolder, projectFolder } from '../cli/run-cli.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { EngineProcess } from './engine-process.ts'
import { recordedShop, Stack } from './stack.ts'

const people = Array.from({ length: 230 }, (_, n) => `person-${n}`)
const variantOf = (userId: string) => (assignVariant('rankers', userId, [1, 1], { hash: 'planout' }) === 0 ? 'one' : 'two')
const folder = new CliFolder()
/** What `experiment show --json` tells. */
interface Standing {
  readonly fault: string | null
  readonly stop: ExperimentStop | null
  readonly results: readonly ExperimentResult[]
}

const shop = recordedShop({ users: 50, items: 80, events: 600 }).filter(({ topic }) => topic !== 'decisions')
const items = shop.filter(({ topic }) => topic === 'items').map(({ key }) => key)

let stack: Stack
let engine: EngineProcess
let gateway: string

beforeAll(async () => {
  // Showings of one moment are not logged in the order of their times.
  vi.stubEnv('MILLRACE_REWARDS_LATENESS_MS', '200')
  const config = loadConfig(undefined, {
    partitions: 4,
    embedded: { path: join(folder.path, 'test.db') },
    rewards: { waitMs: 1_000 },
    // The busiest machine must not lower a rung: which version scored a list is what is looked at.
    recommendations: { shedAfterMs: 600_000 },
    inference: { repository: join(projectFolder, 'models', 'repository'), deadlineMs: 10_000 },
    log: { level: 'silent' },
  })
  vi.stubEnv('MILLRACE_INFERENCE_REPOSITORY', config.inference.repository)
  stack = await Stack.open(config)
  await startEngine()
}, 60_000)
afterAll(async () => {
  await engine?.kill()
  await stack?.close()
  await folder.close()
  vi.unstubAllEnvs()
})

async function startEngine(): Promise<void> {
  engine = new EngineProcess(stack.config, folder.path)
  await engine.ready()
  gateway = /http:\/\/[^\s,]+/.exec(engine.output.replace(/admin http\S+/g, ''))![0]
}

async function listOf(userId: string, isShown = false): Promise<RecommendationAnswer> {
  const answer = await fetch(`${gateway}/v1/users/${userId}/recommendations?count=5&decision_log=${isShown}`)
  return (await answer.json()) as RecommendationAnswer
}

/** What people did with what they were shown, now. */
async function send(events: readonly { userId: string; type: string; itemId: string; listId: string | null }[]): Promise<void> {
  for (let from = 0; from < events.length; from += 500) {
    const body = events.slice(from, from + 500).map(({ userId, type, itemId, listId }, at) => ({
      event_id: `${userId} ${type} ${Date.now()} ${from + at}`,
      ...{ user_id: userId, item_id: itemId, type, list_id: listId, time: new Date().toISOString() },
    }))
    const answer = await fetch(`${gateway}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events: body }),
    })
    expect(answer.ok, await answer.text()).toBe(true)
  }
}

/** Moves the time of every partition past the wait. */
async function moveTime(): Promise<void> {
  const watched = people.slice(0, 40)
  await Promise.all(watched.map((userId) => listOf(userId, true)))
  await send(watched.map((userId) => ({ userId, type: 'view', itemId: items[0]!, listId: null })))
}

async function alerts(): Promise<string[]> {
  const found: string[] = []
  for await (const { value } of readTopic(stack.ports, 'alerts')) if (value) found.push(`${value.name} ${value.state}`)
  return found
}

it('an experiment of two ranker versions, created under a running engine, decides lists, is measured, stops and stays stopped', {
  timeout: 180_000,
}, async () => {
  await stack.append(shop.map((record) => stack.encoded(record)))
  expect((await listOf('person-0')).experiment).toBe('learned-against-trend')

  const file = join(folder.path, 'rankers.json')
  const variant = (name: string, version: string) => ({ name, settings: { ranker: { version }, diversity: { method: 'none' } } })
  const versions = [variant('one', '1'), variant('two', '2')]
  const rankers = { id: 'rankers', hash: 'planout', variants: versions, guardrails: { conversion: 0.2 } }
  writeFileSync(file, JSON.stringify({ ...rankers, variants: [variant('one', '1'), variant('two', '7')] }))
  expect(await unusableVariant(stack.config, readExperimentFile(file), stack.ports)).toContain(
    'variant "two": "recommendations.ranker.version" is 7, which is not served; the workers serve 1, 2 of ranker',
  )
  writeFileSync(file, JSON.stringify({ ...rankers, tunedFor: 200 }))
  expect(await folder.run('experiment', 'create', file)).toMatchObject({ code: 0, stdout: 'rankers runs\n' })
  await waitUntil('the engine knows it', async () => (await listOf('person-0')).experiment !== 'learned-against-trend', 30_000)

  // Everybody looks at the same items: only the variant can make their lists differ.
  const looked = people.flatMap((userId) => items.slice(0, 3).map((itemId) => ({ userId, type: 'click', itemId, listId: null })))
  await send(looked)
  const waiting = new Set(people)
  const look = async () => {
    const slow: string[] = []
    for (const userId of waiting) {
      const { experiment, rung } = await listOf(userId)
      if (experiment !== 'rankers') continue
      // The model's own queue turns rows away that have waited 100 ms, which a busy machine may take.
      if (rung === 'ranker') waiting.delete(userId)
      else slow.push(userId)
    }
    if (slow.length > 0) await send(slow.map((userId) => ({ userId, type: 'view', itemId: items[3]!, listId: null })))
    return waiting.size === 0
  }
  await waitUntil('everybody has a list of their variant', look, 60_000)
  const shown = await Promise.all(people.map((userId) => listOf(userId, true)))
  for (const { user_id, experiment, variant: of, model_version, rung } of shown)
    expect({ user_id, experiment, of, model_version, rung }).toEqual({
      ...{ user_id, experiment: 'rankers', of: variantOf(user_id), rung: 'ranker' },
      model_version: variantOf(user_id) === 'one' ? '1' : '2',
    })
  const listsOf = (name: string) =>
    shown.filter((one) => one.variant === name).map((one) => one.recommendations.map((item) => item.score).join())
  const inTwo = new Set(listsOf('two'))
  expect(listsOf('one').filter((list) => inTwo.has(list))).toEqual([])

  // Twice shown is one exposure. Most of one buy, and of two few do.
  const again = await Promise.all(people.map((userId) => listOf(userId, true)))
  await send(
    again.flatMap(({ user_id, list_id, variant: of, recommendations }, at) => {
      const bought = recommendations.find(({ explored }) => !explored)!
      return at % 8 > 0 === (of === 'one') ? [{ userId: user_id, type: 'purchase', itemId: bought.item_id, listId: list_id }] : []
    }),
  )
  const stopped = async () => {
    await moveTime()
    return (await alerts()).length > 0
  }
  await waitUntil('the guardrail has stopped it', stopped, 30_000)
  const { stop, fault, results }: Standing = (await folder.json('experiment', 'show', 'rankers')).value
  expect(stop).toMatchObject({ experiment: 'rankers', revision: 1, metric: 'conversion', variant: 'two', lossMax: 0.2 })
  expect(fault).toBe('the guardrail conversion of two is broken')
  const counted = Object.fromEntries(
    results.filter(({ metric }) => metric === 'conversion').map((one) => [one.variant, one.people]),
  )
  for (const name of ['one', 'two']) {
    expect(counted[name]).toBeGreaterThanOrEqual(100)
    expect(counted[name]).toBeLessThanOrEqual(people.filter((userId) => variantOf(userId) === name).length)
  }

  await engine.kill()
  await startEngine()
  const after = await listOf('person-0')
  expect([after.experiment, after.variant]).toEqual([null, null])
  expect((await readExperiments(stack.ports, stack.config)).table.stop('rankers')).toEqual(stop)
  expect(await alerts()).toEqual(['experiment/rankers firing'])
})

it("an experiment against another vendor's lists shows them to its people alone, and counts their clicks", async () => {
  const offered = new Map(shop.filter(({ topic }) => topic === 'items').map((record) => [record.key, record]))
  const [soldOut, ...theirs] = [...offered.values()].filter(({ value }) => (value as Item | null)?.stock).slice(-6)
  const vendorFile = join(folder.path, 'acme.jsonl')
  const theirItems = theirs.map(({ key }) => key)
  const lines = people.map((userId) => JSON.stringify({ userId, items: ['unknown', soldOut!.key, ...theirItems] }))
  writeFileSync(vendorFile, lines.join('\n'))
  await importLists(stack.ports, vendorFile, { name: 'acme', surface: 'home', days: 1 })
  await stack.append([stack.encoded({ ...soldOut!, value: { ...(soldOut!.value as Item), stock: 0 } } as ShopRecord)])
  const policies = [
    { name: 'ours', policy: 'learned' },
    { name: 'acme', policy: 'imported:acme' },
  ]
  const file = join(folder.path, 'vendors.json')
  writeFileSync(file, JSON.stringify({ id: 'vendors', variants: policies, goals: ['clicks-per-person'] }))
  await sendDefinitions(stack.ports, 'experiments', [readExperimentFile(file)])
  const isAcmes = (userId: string) => assignVariant('vendors', userId, [1, 1]) === 1
  const acmes = people.filter(isAcmes)
  const known = async () => (await listOf(acmes[0]!)).recommendations[0]?.item_id === theirItems[0]
  await waitUntil('the engine knows it, and what is sold out', known, 30_000)
  for (let from = 0; from < people.length; from += 40) {
    const seen = await Promise.all(people.slice(from, from + 40).map((userId) => listOf(userId, true)))
    for (const { user_id, variant: of, policy, recommendations } of seen) {
      expect([of, policy]).toEqual(isAcmes(user_id) ? ['acme', 'imported:acme'] : ['ours', 'learned'])
      if (isAcmes(user_id)) expect(recommendations.map(({ item_id }) => item_id)).toEqual(theirItems)
    }
    // Everybody of acme clicks at once, and nobody else does.
    const clicked = seen.filter(({ user_id }) => isAcmes(user_id))
    await send(
      clicked.map(({ user_id, list_id }) => ({ userId: user_id, type: 'click', itemId: theirItems[0]!, listId: list_id })),
    )
  }
  const means = async () => {
    const { results } = await readExperiments(stack.ports, stack.config)
    return (results.get('vendors') ?? []).map(({ variant: of, mean, people: count }) => ({ of, mean, count }))
  }
  const allCounted = async () => {
    await moveTime()
    return (await means()).some(({ of, count }) => of === 'acme' && count === acmes.length)
  }
  await waitUntil('all of acme are counted', allCounted, 30_000)
  const counted = Object.fromEntries((await means()).map(({ of, mean }) => [of, mean]))
  expect(counted['ours']).toBe(0)
  // On a busy machine a click may come after its wait.
  expect(counted['acme']).toBeGreaterThan(0.7)
  expect(counted['acme']).toBeLessThanOrEqual(1)
})
