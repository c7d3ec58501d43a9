import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, it } from 'vitest'
import type { ImportFormat, ImportRecord } from '../../connectors/files/import-format.ts'
import { s3rec, sequenceLines } from '../../connectors/files/sequence-lines.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-sequences-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function recordsOf(format: ImportFormat, path: string): Promise<ImportRecord[]> {
  const records: ImportRecord[] = []
  for await (const batch of format.read(path).batches) records.push(...batch.records)
  return records
}

function eventsOf(records: readonly ImportRecord[]) {
  return records.flatMap((record) => (record.topic === 'user-events' ? [record.value] : []))
}

it('sequences: a line is a session, and time only says the order', async () => {
  const path = join(folder, 'sessions.txt.gz')
  writeFileSync(path, gzipSync('1 2\n\n3 4 3\n'))
  const events = eventsOf(await recordsOf(sequenceLines, path))
  expect(events.map(({ userId, sessionId, itemId }) => [userId, sessionId, itemId])).toEqual([
    ['s1', 's1', '1'],
    ['s1', 's1', '2'],
    ['s3', 's3', '3'],
    ['s3', 's3', '4'],
    ['s3', 's3', '3'],
  ])
  for (let n = 1; n < events.length; n++) expect(events[n]!.timeMs).toBeGreaterThan(events[n - 1]!.timeMs)
  expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(5)
})

it('s3rec: a line is a person; attributes become tags', async () => {
  const inside = mkdtempSync(join(folder, 's3rec-'))
  writeFileSync(join(inside, 'Toy.txt'), '7 10 11\n8 11\n')
  writeFileSync(join(inside, 'Toy_item2attributes.json'), JSON.stringify({ 10: [1, 2], 11: [] }))
  const records = await recordsOf(s3rec, inside)
  expect(eventsOf(records).map(({ userId, sessionId, itemId }) => [userId, sessionId, itemId])).toEqual([
    ['7', null, '10'],
    ['7', null, '11'],
    ['8', null, '11'],
  ])
  expect(records.flatMap((record) => (record.topic === 'items' ? [[record.key, record.value.tags]] : []))).toEqual([
    ['10', ['a1', 'a2']],
    ['11', []],
  ])
})

it('refuses a folder without sequences, and attributes that are no JSON', async () => {
  const inside = mkdtempSync(join(folder, 'broken-'))
  await expect(recordsOf(s3rec, inside)).rejects.toThrow(/has no \.txt file/)
  writeFileSync(join(inside, 'Toy.txt'), '7 10\n')
  writeFileSync(join(inside, 'Toy_item2attributes.json'), '{')
  await expect(recordsOf(s3rec, inside)).rejects.toThrow(/is no JSON/)
})
