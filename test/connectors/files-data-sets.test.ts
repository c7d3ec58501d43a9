import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, type TestContext } from 'vitest'
import type { ImportOptions } from '../../connectors/files/import-format.ts'
import { importFormats } from '../../connectors/files/import-formats.ts'

const data = join(import.meta.dirname, '..', '..', '..', 'shared', 'data')

/** Reads a public data set and counts; what is expected of it stands in the README beside it. */
async function countsOf(context: TestContext, format: string, path: string, options: ImportOptions = {}) {
  const full = join(data, path)
  if (!existsSync(full)) context.skip(`the data set ${path} is not here`)
  const reading = importFormats.find(({ name }) => name === format)!.read(full, options)
  const users = new Set<string>()
  const sessions = new Set<string | null>()
  const items = new Set<string>()
  const ids = new Set<string>()
  for await (const { records } of reading.batches)
    for (const record of records) {
      if (record.topic === 'items') items.add(record.key)
      if (record.topic !== 'user-events') continue
      users.add(record.key)
      sessions.add(record.value.sessionId)
      if (ids.size < 50_000) ids.add(record.value.eventId)
    }
  const report = reading.report()
  expect(ids.size).toBe(Math.min(report.events, 50_000))
  expect(report.bytesRead).toBe(report.bytesTotal)
  return { report, users: users.size, sessions: sessions.size, items: items.size }
}

it('globo-news-clicks: 2,072,416 clicks of 272,813 users in 725,961 sessions on 32,265 articles', {
  timeout: 120_000,
}, async (context) => {
  const { report, users, sessions, items } = await countsOf(context, 'globo', 'globo-news-clicks')
  expect(report).toMatchObject({ rows: 2_072_416, events: 2_072_416, invalid: 0, outOfOrder: 0 })
  expect({ users, sessions, items }).toEqual({ users: 272_813, sessions: 725_961, items: 32_265 })
  expect(report.firstMs).toBeGreaterThanOrEqual(Date.UTC(2017, 9, 1, 3))
  expect(report.lastMs).toBeLessThanOrEqual(Date.UTC(2017, 9, 11, 3))
})

it('online-retail-uci: 320,705 lines, 5,847 of them cancellations', { timeout: 60_000 }, async (context) => {
  const { report } = await countsOf(context, 'online-retail', 'online-retail-uci')
  expect(report).toMatchObject({ rows: 320_705, invalid: 0, outOfOrder: 0, skipped: { cancellation: 5847 } })
  const skipped = Object.values(report.skipped).reduce((sum, count) => sum + count, 0)
  expect(report.events + skipped).toBe(320_705)
})

it('movielens-100k: 100,000 ratings of 943 users on 1,682 movies', async (context) => {
  const { report, users } = await countsOf(context, 'movielens', 'movielens-100k')
  expect(report).toMatchObject({ events: 100_000, users: 943, items: 1682, invalid: 0, outOfOrder: 0 })
  expect(users).toBe(943)
  expect([report.firstMs, report.lastMs]).toEqual([874724710_000, 893286638_000])
})

it('rsc15-100k: 70,278 clicks in 17,794 sessions on 2,933 items', async (context) => {
  const { report, sessions, items } = await countsOf(context, 'sessions', 'rsc15-100k/yoochoose-clicks-100k_train_full.tsv.gz')
  expect({ events: report.events, sessions, items }).toEqual({ events: 70_278, sessions: 17_794, items: 2933 })
})

it('serenade-toy: 113,601 clicks in 23,753 sessions on 18,009 items', async (context) => {
  const { report, sessions, items } = await countsOf(context, 'sessions', 'serenade-toy/train.tsv.gz')
  expect({ events: report.events, sessions, items }).toEqual({ events: 113_601, sessions: 23_753, items: 18_009 })
})

it('taobao-userbehavior-subset by column mapping: 281,016 events of 31,638 users on 30,497 items', async (context) => {
  const columns = ['userId=user_id', 'itemId=item_id', 'type=behavior', 'timeMs=timestamp:s']
  const { report, users, items } = await countsOf(context, 'mapped', 'taobao-userbehavior-subset/events.csv.gz', { columns })
  expect(report).toMatchObject({ events: 281_016, invalid: 0 })
  expect({ users, items }).toEqual({ users: 31_638, items: 30_497 })
})
