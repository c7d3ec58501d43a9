import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openPorts } from '../../cli/compose.ts'
import { loadConfig } from '../../cli/config.ts'
import { exportTopic } from '../../cli/export-topic.ts'
import { partitionFor } from '../../core/partition-for.ts'
import { Engine } from '../../runtime/engine.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import { encodeServed } from '../../schemas/served-list.ts'
import { CliFolder } from './run-cli.ts'

let folder: CliFolder
beforeEach(() => {
  folder = new CliFolder()
})
afterEach(() => folder.close())

const partitions = 4
const mapping = ['--column', 'userId=visitor', '--column', 'itemId=sku', '--column', 'timeMs=ts:s', '--column', 'type:=view']

function writeCsv(rows: readonly string[]): string {
  const path = join(folder.path, 'shop.csv')
  writeFileSync(path, `visitor,sku,ts\n${rows.join('\n')}\n`)
  return path
}

const ports = () =>
  openPorts(loadConfig(undefined, { embedded: { path: join(folder.path, 'test.db') }, log: { level: 'silent' } }))

async function linesOf(what: string, ...range: readonly string[]): Promise<Record<string, unknown>[]> {
  const out = join(folder.path, `${what}.jsonl`)
  expect(await folder.run('export', what, '--out', out, ...range)).toMatchObject({ code: 0 })
  expect(existsSync(`${out}.partial`)).toBe(false)
  return readFileSync(out, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

it('imports a file and exports the same events', async () => {
  const csv = writeCsv(['anna,i1,1700000000', 'ben,i2,1700000001', ',i3,1700000002', 'anna,i2,1700000003'])
  const { code, value } = await folder.json('import', 'mapped', csv, ...mapping)
  expect(code).toBe(0)
  expect(value).toMatchObject({
    format: 'mapped',
    events: 3,
    items: 2,
    invalid: 1,
    stopped: false,
    invalidExamples: [{ line: 4, reason: 'userId is missing' }],
  })
  const events = await linesOf('events')
  expect(events.map(({ userId, itemId, timeMs, type }) => [userId, itemId, timeMs, type]).sort()).toEqual([
    ['anna', 'i1', 1_700_000_000_000, 'view'],
    ['anna', 'i2', 1_700_000_003_000, 'view'],
    ['ben', 'i2', 1_700_000_001_000, 'view'],
  ])
  // From is part of the range, to is not.
  const some = await linesOf('events', '--from', '2023-11-14T22:13:21Z', '--to', '2023-11-14T22:13:23Z')
  expect(some.map(({ userId }) => userId)).toEqual(['ben'])
  expect(await linesOf('events', '--window', '24h')).toEqual([])
})

it('refuses a range where there is none, and one that is not a range', async () => {
  const opened = await ports()
  const all = { fromMs: 0, toMs: Number.POSITIVE_INFINITY }
  await expect(exportTopic(opened, 'items', join(folder.path, 'items.jsonl'), all)).rejects.toMatchObject({ code: 'MILL_USAGE' })
  await opened.close()
  const export_ = async (...range: readonly string[]) => await folder.run('export', 'events', '--out', 'e.jsonl', ...range)
  expect(await export_('--window', '24')).toMatchObject({ code: 2, stderr: expect.stringContaining('90m, 24h or 7d') })
  expect(await export_('--window', '1h', '--from', '2023-11-14')).toMatchObject({ code: 2 })
})

it('paces an import by event time, and Ctrl-C ends it with 1', async () => {
  const csv = writeCsv(['anna,i1,1700000000', 'ben,i2,1700000001', 'anna,i3,1700900000'])
  const { log, ...rest } = await ports()
  const running = folder.start('import', 'mapped', csv, ...mapping, '--speed', '2', '--json')
  // The third event would come after five days: the first two being there means that it waits.
  let held = 0
  while (held < 2) {
    held = 0
    if ((await log.partitions('user-events')) > 0) for (const { end } of await log.offsets('user-events')) held += end
    if (running.child.exitCode !== null) throw new Error('the import ended by itself')
    await new Promise((resolve) => setImmediate(resolve))
  }
  await rest.close()
  running.child.kill('SIGINT')
  const { code, stdout } = await running.ended
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ stopped: true })
})

it('exports the newest record per key of a compacted topic, withdrawn items left out', async () => {
  const { log, wire, close } = await ports()
  await Engine.ensureTopics(log, partitions)
  const item = {
    itemId: 'i1',
    title: 'old',
    description: '',
    category: [],
    tags: [],
    brand: null,
    price: 1,
    margin: 0,
    stock: null,
    createdMs: 0,
    imageUrl: null,
    listPrice: null,
    sellerRating: null,
    releasedMs: null,
  }
  const send = (key: string, value: object | null) =>
    log.send([
      { topic: 'items', partition: partitionFor(key, partitions), key, value: value && wire.encode('items', value as never) },
    ])
  await send('i1', item)
  await send('i2', { ...item, itemId: 'i2' })
  await send('i1', { ...item, title: 'new' })
  await send('i2', null)
  await close()
  expect(await linesOf('items')).toMatchObject([{ itemId: 'i1', title: 'new' }])
})

it('shows dead letters and replays each once, raw bytes and place kept', async () => {
  const opened = await ports()
  await Engine.ensureTopics(opened.log, partitions)
  // The second record is dead to two topologies.
  const topologies = ['user-features', 'rewards', 'user-features']
  const letters = ['u1', 'u2', 'u2']
    .map((key, at) => ({ key, index: Math.min(at, 1), topology: topologies[at]! }))
    .map(({ key, index, topology }) => ({
      id: `${topology}/user-events/2/${index}/decode`,
      topic: 'user-events',
      partition: 2,
      offset: index,
      loggedMs: 1000 + index,
      topology,
      step: 'decode',
      code: 'MILL_SCHEMA_MISMATCH',
      reason: 'not in the wire format',
      key,
      value: Buffer.from([9, 8, index]),
      replays: 0,
    }))
  await opened.log.send(
    letters.map((letter) => ({
      topic: 'dead-letters',
      partition: 0,
      key: letter.id,
      value: opened.wire.encode('dead-letters', letter),
    })),
  )
  const table = await folder.run('dead-letters', 'ls')
  expect(table.stdout).toContain('user-features/user-events/2/0/decode')
  expect((await folder.json('dead-letters', 'ls', '--topology', 'rewards')).value).toMatchObject({
    total: 1,
    deadLetters: [{ id: letters[1]!.id }],
  })
  expect((await folder.json('dead-letters', 'show', letters[0]!.id)).value).toMatchObject({
    key: 'u1',
    code: 'MILL_SCHEMA_MISMATCH',
  })
  expect((await folder.run('dead-letters', 'show', 'none')).code).toBe(1)
  expect((await folder.run('dead-letters', 'replay', 'none')).code).toBe(1)
  expect((await folder.json('dead-letters', 'replay', letters[0]!.id)).value).toEqual({ replayed: 1, replayedBefore: 0 })
  expect((await folder.json('dead-letters', 'replay', '--all', '--topology', 'rewards')).value).toEqual({
    replayed: 1,
    replayedBefore: 0,
  })
  expect((await folder.json('dead-letters', 'replay', '--all')).value).toEqual({ replayed: 0, replayedBefore: 3 })
  const replayed = []
  for await (const batch of opened.log.read('user-events', 2, { from: 0, to: 10 }))
    for (const { key, value } of batch.records) replayed.push([key, [...value!]])
  expect(replayed).toEqual([
    ['u1', [9, 8, 0]],
    ['u2', [9, 8, 1]],
  ])
  await opened.close()
})

it('shows a served list with reasons in words', async () => {
  const { lists, close } = await ports()
  const version = { epoch: 1, position: 1 }
  const item = {
    itemId: 'i4',
    score: 0.5,
    sources: ['similar'],
    reason: { code: 'seen_together', itemId: 'i9', scope: null },
    propensity: 1,
    explored: false,
  } as const
  const list = {
    listId: 'l1',
    userId: 'u1',
    surface: 'home',
    generatedMs: 0,
    watermarkMs: 0,
    loggedMs: 0,
    policy: 'learned',
    policyVersion: '1',
    seed: '',
    rung: 'linear',
    modelVersion: '',
    items: [item],
  } as const
  await lists.swap([{ key: listKeys.recommendations('u1', 'home'), value: encodeServed(version, list), version, ttlS: 0 }])
  await close()
  const shown = await folder.run('lists', 'get', 'u1')
  expect(shown.code).toBe(0)
  expect(shown.stdout).toMatch(/l1 by learned, rung linear/)
  expect(shown.stdout).toMatch(/0 +i4 +0\.5000 +similar +often seen with i9/)
  expect((await folder.json('lists', 'get', 'u1')).value).toMatchObject({ listId: 'l1', reserve: [] })
  expect(await folder.json('lists', 'get', 'u2')).toMatchObject({ code: 1, value: null })
})
