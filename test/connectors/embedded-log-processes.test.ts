import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../../connectors/embedded/event-log.ts'
import { ManualClock } from '../../core/clock.ts'
import type { LogRecord } from '../../ports/event-log.ts'
import { waitUntil } from '../conformance/wait-until.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-processes-'))
const program = fileURLToPath(new URL('./append-records.ts', import.meta.url))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('three processes append to one partition at once: nothing lost, no offset twice, each in its own order', async () => {
  const { log, path, close } = await openLog('parallel')
  const children = ['a', 'b', 'c'].map((name) => spawnAppender(path, name, 400))
  const codes = await Promise.all(children.map(async ({ child }) => (await once(child, 'exit'))[0]))
  expect(codes).toEqual([0, 0, 0])
  const records = await readAll(log)
  expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 1200 }, (_, index) => index))
  for (const name of ['a', 'b', 'c']) {
    const numbers = records.filter(({ key }) => key === name).map(({ value }) => Number(Buffer.from(value!).toString()))
    expect(numbers).toEqual(Array.from({ length: 400 }, (_, index) => index))
  }
  await close()
})

it('a process killed while appending loses nothing it was told, and leaves a log without holes', async () => {
  const { log, path, close } = await openLog('killed')
  const appender = spawnAppender(path, 'a', 1_000_000)
  await waitUntil('some records are acknowledged', () => appender.acknowledged() > 200)
  appender.child.kill('SIGKILL')
  await once(appender.child, 'close')
  const records = await readAll(log)
  expect(records.length).toBeGreaterThanOrEqual(appender.acknowledged())
  expect(records.map(({ value }) => Number(Buffer.from(value!).toString()))).toEqual(records.map((_, index) => index))
  await log.send([{ topic: 'events', partition: 0, key: 'after', value: null }])
  expect((await readAll(log)).at(-1)).toMatchObject({ offset: records.length, key: 'after', value: null })
  await close()
})

it('what another connection appends is delivered by the next look, 200 ms later on the clock', async () => {
  const clock = new ManualClock(1_000)
  const { log, path, close } = await openLog('polled', clock)
  const other = await openLog('polled')
  expect(other.path).toBe(path)
  const seen: number[] = []
  const follower = await log.follow({
    name: 'table',
    topics: ['events'],
    batch: ({ records }) => void seen.push(...records.map(({ offset }) => offset)),
    failed: (error) => expect.unreachable(error.message),
  })
  await follower.caughtUp
  await other.log.send([{ topic: 'events', partition: 0, key: 'a', value: null }])
  clock.advance(199)
  await new Promise((resolve) => setImmediate(resolve))
  expect(seen).toEqual([])
  clock.advance(1)
  await waitUntil('the record is delivered', () => seen.length === 1)
  await follower.stop()
  await other.close()
  await close()
})

async function openLog(name: string, clock?: ManualClock) {
  const path = join(folder, `${name}.db`)
  const database = openEmbeddedDatabase(path, { busyMsMax: 10_000 })
  const log = new EmbeddedEventLog(database, clock ? { clock } : {})
  await log.ensureTopics([{ name: 'events', partitions: 1, cleanup: 'delete' }])
  const close = async (): Promise<void> => {
    await log.close()
    database.close()
  }
  return { log, path, close }
}

function spawnAppender(path: string, name: string, count: number) {
  const child = spawn(process.execPath, [program, path, 'events', '0', name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let lines = 0
  child.stdout.on('data', (data: Buffer) => {
    for (const byte of data) if (byte === 10) lines++
  })
  return { child, acknowledged: () => lines }
}

async function readAll(log: EmbeddedEventLog): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const batch of log.read('events', 0, { from: 0, to: Number.MAX_SAFE_INTEGER })) records.push(...batch.records)
  return records
}
