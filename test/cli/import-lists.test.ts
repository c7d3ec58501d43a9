import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type OpenPorts, openPorts } from '../../cli/compose.ts'
import { loadConfig } from '../../cli/config.ts'
import { plainExperiment } from '../../cli/configured-experiment.ts'
import { importLists, readImport, removeImport } from '../../cli/import-lists.ts'
import { importedVariants, missingImport, wordImport } from '../../cli/imported-variants.ts'
import { partitionFor } from '../../core/partition-for.ts'
import { Engine } from '../../runtime/engine.ts'
import type { Experiment } from '../../schemas/experiment.ts'
import { experimentFault } from '../../schemas/experiment-fault.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import { CliFolder } from './run-cli.ts'

const target = { name: 'acme', surface: 'home', days: 7 }
const config = loadConfig(undefined, { partitions: 4, embedded: { path: ':memory:' }, log: { level: 'silent' } })
let folder: CliFolder
let ports: OpenPorts
beforeEach(async () => {
  folder = new CliFolder()
  ports = await openPorts(config)
})
afterEach(async () => {
  await ports.close()
  await folder.close()
})

function write(...lines: (string | object)[]): string {
  const path = join(folder.path, 'acme.jsonl')
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
  return path
}

async function stored(userId: string): Promise<unknown> {
  const [text] = await ports.lists.get([listKeys.imported(userId, 'home', 'acme')])
  return text === null || text === undefined ? null : JSON.parse(text)
}

it('takes the lists of a file, tells every line that is none and how to mend it, and what the catalogue does not know', async () => {
  await Engine.ensureTopics(ports.log, config.partitions)
  const item = { itemId: 'i1', title: '', description: '', category: [], tags: [], brand: '', price: 1, margin: 0, createdMs: 0 }
  const rest = { stock: 1, imageUrl: null, listPrice: null, sellerRating: null, releasedMs: null }
  const value = ports.wire.encode('items', { ...item, ...rest })
  await ports.log.send([{ topic: 'items', partition: partitionFor('i1', 4), key: 'i1', value }])
  const wrong: [string | object, string][] = [
    ['oops', 'it is no JSON (Unexpected token'],
    ['["i1"]', 'it is no object; write e.g. {"userId": "u1", "items": ["i1", "i2"]}'],
    [{ user: 'u9', items: ['i1'] }, 'field "user" is unknown; there are userId, items, scores'],
    [{ userId: 7, items: ['i1'] }, 'field "userId" must be a text of 1–128 bytes; without it the list is for everybody else'],
    [{ userId: 'ü'.repeat(65), items: ['i1'] }, 'field "userId" must be'],
    [{ userId: 'u9' }, 'field "items" must be a list of 1–200 item ids'],
    [{ userId: 'u9', items: [] }, 'field "items" must be a list of 1–200 item ids'],
    [{ userId: 'u9', items: Array(201).fill('i1') }, 'field "items" must be a list of 1–200 item ids'],
    [{ userId: 'u9', items: ['i1', 2] }, 'field "items": number 2 must be a text'],
    [{ userId: 'u9', items: ['i1'], scores: [1, 2] }, 'field "scores" must have one number for each item'],
    [{ items: ['i2'] }, 'it has no "userId", as acme.jsonl:2: there is one list for everybody else'],
  ]
  const path = write(
    { userId: 'u1', items: ['i1', 'i2'], scores: [2, 1] },
    { items: ['i3'] },
    '',
    { userId: 'u2', items: ['old'] },
    { userId: 'u2', items: ['i1'], scores: null },
    ...wrong.map(([line]) => line),
  )
  const report = await importLists(ports, path, target)
  expect(report).toMatchObject({ lists: 3, forAll: true, refusedLines: wrong.length, namedItems: 5, unknownItems: 3 })
  expect(report.expiresMs - report.importedMs).toBe(7 * 86_400_000)
  // Only the first are told.
  expect(report.refused.map(({ line }) => line)).toEqual(Array.from({ length: 10 }, (_, n) => 6 + n))
  for (const [at, { reason }] of report.refused.entries()) expect(reason).toContain(wrong[at]![1])
  expect(await stored('u1')).toMatchObject({ items: ['i1', 'i2'], scores: [2, 1] })
  expect(await stored('u2')).toMatchObject({ items: ['i1'], scores: null })
  expect(await readImport(ports, target)).toMatchObject({ lists: 3, refusedLines: wrong.length, items: ['i3'] })
  expect(await removeImport(ports, target)).toBe(2)
  expect([await stored('u1'), await readImport(ports, target)]).toEqual([null, null])
  await expect(removeImport(ports, target)).rejects.toMatchObject({ code: 'MILL_NOT_FOUND' })
})

it('leaves what was imported where nothing can be, and never hides that a part was', async () => {
  await importLists(ports, write({ userId: 'u1', items: ['i1'] }), target)
  const before = await readImport(ports, target)
  await expect(importLists(ports, write('{}'), target)).rejects.toThrow(
    /there is no list in ".*acme.jsonl"; .*acme.jsonl:1: field "items"/,
  )
  await expect(importLists(ports, join(folder.path, 'no.jsonl'), target)).rejects.toMatchObject({ code: 'MILL_IMPORT_INVALID' })
  // A block of lines is written before the line that ends it all is read.
  const many = Array.from({ length: 8_000 }, (_, n) => ({ userId: `p${n}`, items: ['i1', 'i2'] }))
  await expect(importLists(ports, write(...many, 'x'.repeat(3 << 20)), target)).rejects.toThrow(
    /acme.jsonl:\d+: a line of more than 1 MiB; up to [1-9]\d* lists of before it may be written: import again/,
  )
  expect(await readImport(ports, target)).toEqual(before)
  // One that began earlier and ends later writes nothing over this one.
  const late = { ...ports, lists: { ...ports.lists, get: async () => [null], swap: ports.lists.swap.bind(ports.lists) } }
  const slow = { ...late, clock: { ...ports.clock, nowMs: () => 1 } } as unknown as OpenPorts
  await expect(importLists(slow, write({ userId: 'u1', items: ['i9'] }), target)).rejects.toThrow(
    'another import as acme began later',
  )
  expect(await stored('u1')).toMatchObject({ items: ['i1'] })
})

it('is checked by the experiment that shows it', async () => {
  const variants = ['learned', 'imported:acme'].map((policy, at) => ({ name: 'ab'[at]!, weight: 1, policy, settings: null }))
  const experiment = { ...plainExperiment, id: 'x', layer: 'x', control: 'a', variants } as unknown as Experiment
  expect(experimentFault(experiment)).toBeNull()
  const withPolicy = (policy: string, settings: string | null = null) =>
    experimentFault({
      ...experiment,
      variants: [
        { ...variants[0]!, settings },
        { ...variants[1]!, policy },
      ],
    } as Experiment)
  for (const policy of ['imported:', 'imported:a b', 'imported', 'best', `imported:${'x'.repeat(65)}`])
    expect(withPolicy(policy)).toContain('there are learned, trend, imported:<name of imported lists>, or null')
  expect(withPolicy('imported:acme', '{"personalHalf": 3}')).toContain('"policy" is "imported:acme" beside "settings"')

  const missing = await importedVariants(ports, { ...experiment, surfaces: ['cart'] }, config)
  expect(missingImport(missing)).toBe(
    'variant "b": nothing is imported as acme for the surface cart: millrace lists import <file> --as acme --surface cart',
  )
  await importLists(ports, write({ userId: 'u1', items: ['i1'] }), target)
  const [there] = await importedVariants(ports, experiment, config)
  expect(missingImport([there!])).toBeNull()
  expect(wordImport(there!)).toMatch(
    /^b: 1 lists of persons imported as acme for home at .*Z, shown until .*Z; everybody else sees the trend list$/,
  )
  expect(wordImport(missing[0]!)).toContain('any more: its people see the trend list')
})

it('is a command that ends with 1 where a line was refused, and tells it', async () => {
  const path = write({ userId: 'u1', items: ['i1'] }, { userId: 'u2' })
  const { code, stdout } = await folder.run('lists', 'import', path, '--as', 'acme')
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^1 lists of persons, imported as acme for home, until .*Z\n/)])
  expect(stdout).toContain('1 of 1 places name an item that the catalogue does not know')
  expect(stdout).toContain('acme.jsonl:2: field "items" must be a list of 1–200 item ids, best first')
})
