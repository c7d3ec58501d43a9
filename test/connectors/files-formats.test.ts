import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ImportOptions, ImportProgress, ImportRecord, InvalidRow } from '../../connectors/files/import-format.ts'
import { importFormats } from '../../connectors/files/import-formats.ts'
import { userEventSchema } from '../../schemas/user-event.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-files-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0
async function fileOf(text: string | Buffer, name = `f${++files}.csv`): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

async function readAll(format: string, path: string, options: ImportOptions = {}) {
  const reading = importFormats.find(({ name }) => name === format)!.read(path, options)
  const records: ImportRecord[] = []
  for await (const batch of reading.batches) records.push(...batch.records)
  const events = records.flatMap((record) => (record.topic === 'user-events' ? [record.value] : []))
  const items = records.flatMap((record) => (record.topic === 'items' ? [record.value] : []))
  return { records, events, items, report: reading.report() }
}

const globoHeader =
  'user_id,session_id,session_start,session_size,click_article_id,click_timestamp,click_environment,click_deviceGroup,click_os,click_country,click_region,click_referrer_type'
const globoRows = [
  '59,15068,1506826329000,2,234853,1506826800026,4,3,2,1,21,1',
  '79,15069,1506826486139,2,159359,1506826801702,4,1,2,1,13,1',
]
const globoText = `${globoHeader}\n${globoRows.join('\n')}\n`
const columns = ['userId=user', 'itemId=item', 'timeMs=at:s', 'type=what']

it('globo: a click becomes a view with session, device and region, its item an item at first sight', async () => {
  const { events, items, records } = await readAll('globo', await fileOf(globoText, 'clicks_1.csv'))
  expect(records.map(({ topic }) => topic)).toEqual(['items', 'user-events', 'items', 'user-events'])
  expect(items[0]).toMatchObject({ itemId: '234853', title: '234853', createdMs: 1506826800026 })
  expect(events[0]).toMatchObject({
    ...{ userId: '59', itemId: '234853', type: 'view', timeMs: 1506826800026 },
    ...{ sessionId: '15068', device: 'mobile', region: '1-21' },
  })
  expect(events[1]!.device).toBe('desktop')
  for (const event of events) expect(userEventSchema.decode(userEventSchema.encode(event))).toEqual(event)
})

it('gzip is known by content, not by name, and a packed file gives the same event ids', async () => {
  const plain = await readAll('globo', await fileOf(globoText, 'clicks_same.csv'))
  const packed = await readAll('globo', await fileOf(gzipSync(globoText), 'clicks_same.csv.gz'))
  const misnamed = await readAll('globo', await fileOf(gzipSync(globoText), 'clicks_misnamed.csv'))
  expect(packed.records).toEqual(plain.records)
  expect(misnamed.events).toHaveLength(2)
})

it('event ids are the same when imported again, and differ for equal rows', async () => {
  const path = await fileOf(`user,item,at,what\na,x,1000000,view\na,x,1000000,view\n`)
  const ids = (await readAll('mapped', path, { columns })).events.map(({ eventId }) => eventId)
  expect(new Set(ids).size).toBe(2)
  expect((await readAll('mapped', path, { columns })).events.map(({ eventId }) => eventId)).toEqual(ids)
})

it('a broken row is counted with file and line, and its neighbours are read', async () => {
  const wrong: InvalidRow[] = []
  const path = await fileOf(
    `user,item,at,what\na,x,1000000,view\n,x,1000000,view\nb,y,soon,view\nc,z,1000000,stare\nd,x,1000001,buy\n`,
  )
  const { events, report } = await readAll('mapped', path, { columns, onInvalid: (row) => wrong.push(row) })
  expect(events.map(({ userId, type }) => `${userId} ${type}`)).toEqual(['a view', 'd purchase'])
  expect(wrong.map(({ file, line, reason }) => [file, line, reason.split(';')[0]])).toEqual([
    [path, 3, 'userId is missing'],
    [path, 4, 'timeMs "soon" is no time between 1970 and 2100'],
    [path, 5, 'type "stare" is unknown'],
  ])
  expect(report).toMatchObject({ rows: 5, events: 2, items: 1, invalid: 3, invalidExamples: wrong })
})

it('a missing column is refused by name, with what is there', async () => {
  const path = await fileOf('user,item,when,what\na,x,1000000,view\n')
  await expect(readAll('mapped', path, { columns })).rejects.toMatchObject({
    code: 'MILL_IMPORT_INVALID',
    message: expect.stringContaining('has no column "at" (it has: user, item, when, what)'),
  })
  await expect(readAll('globo', await fileOf('user_id,session_id\n1,2\n', 'clicks_x.csv'))).rejects.toThrow(
    /no column "click_article_id" \(it has: user_id, session_id\)/,
  )
})

it('a file of which nothing can be used, an empty one and a missing one are refused', async () => {
  const seconds = await fileOf('user,item,at,what\na,x,1506826800026000000,view\n')
  await expect(readAll('mapped', seconds, { columns })).rejects.toThrow(
    /none of the first 1 rows can be used; .*:2: .*is the unit right/,
  )
  await expect(readAll('mapped', await fileOf('user,item,at,what\n'), { columns })).rejects.toThrow(/has no data rows/)
  await expect(readAll('globo', join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'MILL_IMPORT_INVALID' })
  const many = await fileOf(`user,item,at,what\n${'a,x,never,view\n'.repeat(5000)}`)
  const reading = importFormats.find(({ name }) => name === 'mapped')!.read(many, { columns })
  await expect(Array.fromAsync(reading.batches)).rejects.toThrow(/none of the first 1000 rows/)
  expect(reading.report()).toMatchObject({ invalid: 1000, invalidExamples: { length: 20 } })
})

it('a torn gzip file is refused by name', async () => {
  const packed = gzipSync(globoText.repeat(200))
  await expect(readAll('globo', await fileOf(packed.subarray(0, packed.length / 2), 'clicks_torn.csv.gz'))).rejects.toMatchObject(
    {
      code: 'MILL_IMPORT_INVALID',
      message: expect.stringContaining('clicks_torn.csv.gz'),
    },
  )
})

it('progress grows to all bytes, and batches keep their maximum', async () => {
  const text = `${globoHeader}\n${`${globoRows[0]}\n`.repeat(9000)}`
  const path = await fileOf(text, 'clicks_progress.csv')
  const seen: ImportProgress[] = []
  const reading = importFormats
    .find(({ name }) => name === 'globo')!
    .read(path, { batchRecordsMax: 500, onProgress: (now) => seen.push(now) })
  for await (const batch of reading.batches) expect(batch.records.length).toBeLessThanOrEqual(500)
  expect(seen.at(-1)).toEqual({ bytesRead: text.length, bytesTotal: text.length, rows: 9000 })
  expect(seen.every((now, index) => index === 0 || seen[index - 1]!.bytesRead <= now.bytesRead)).toBe(true)
})

it('rows cut anywhere between two chunks stay whole, with quotes, line ends in quotes, Windows line ends and a byte order mark', async () => {
  const rows: string[] = []
  for (let i = 0; i < 20_000; i++) rows.push(`u${i},"i ""${i}""\r\n, é",${1000000 + i},view`)
  const { events, report } = await readAll('mapped', await fileOf(`\uFEFFuser,item,at,what\r\n${rows.join('\r\n')}`), { columns })
  expect(report).toMatchObject({ events: 20_000, invalid: 0 })
  expect(events[13_571]).toMatchObject({ userId: 'u13571', itemId: 'i "13571"\r\n, é' })
})

it('a quote that is never closed costs its own line, whatever stands around it', async () => {
  const header = 'user,item,at,what\n'
  const good = 'a,x,1000000,view\n'
  const quoted = '"a","x, y",1000000,view\n'
  const broken = 'b,"y,1000000,view\n'
  const shapes: [string, number, number[]][] = [
    [broken + good.repeat(50_000), 50_000, [2]],
    [good.repeat(3) + broken, 3, [5]],
    [quoted.repeat(300) + broken + quoted.repeat(300), 600, [302]],
    [good + broken + good + broken + good, 3, [3, 5]],
    [`${good}c,"x"y,1000000,view\n${quoted}`, 2, [3]],
    [`c,12" pan,1000000,view\n${good}c,9" pan,1000000,view\n`, 3, []],
  ]
  for (const [text, events, lines] of shapes) {
    const { report } = await readAll('mapped', await fileOf(header + text), { columns })
    expect([report.events, report.invalidExamples.map(({ line }) => line)], text.slice(0, 60)).toEqual([events, lines])
  }
})

it('sessions: sorted by time, each session a person, seconds and ISO times alike', async () => {
  const tab = await fileOf('SessionId\tItemId\tTime\n2\tb\t1396437466.94\n1\ta\t1396437000.5\n', 's.tsv')
  const { events } = await readAll('sessions', tab)
  expect(events.map(({ userId, sessionId, itemId, timeMs }) => [userId, sessionId, itemId, timeMs])).toEqual([
    ['s1', '1', 'a', 1396437000500],
    ['s2', '2', 'b', 1396437466940],
  ])
  const raw = await readAll('sessions', await fileOf('1,2014-04-07T10:51:09.277Z,214536502,0\n', 'yoochoose-clicks.dat'))
  expect(raw.events[0]).toMatchObject({ sessionId: '1', itemId: '214536502', timeMs: Date.UTC(2014, 3, 7, 10, 51, 9, 277) })
  const order = (await readAll('sessions', tab, { order: 'file' })).report
  expect(order.outOfOrder).toBe(1)
  await expect(readAll('sessions', tab, { sortRowsMax: 1 })).rejects.toThrow(/more than 1 rows to sort .* order "file"/)
})

it('online-retail: sales become purchases; cancellations, corrections and postage are counted and left out', async () => {
  const path = await fileOf(
    [
      'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
      '536365,85123A,"HOLDER, WHITE",6,2010-12-01 08:26:00,2.55,17850,United Kingdom',
      'C536379,85123A,"HOLDER, WHITE",-1,2010-12-01 09:00:00,2.55,17850,United Kingdom',
      '536380,POST,POSTAGE,1,2010-12-01 09:10:00,18.0,12583,France',
      '536381,22034,,-223,2010-12-01 09:20:00,0.0,,United Kingdom',
      '536382,85123A,"HOLDER, WHITE",1,2010-12-01 09:30:00,2.95,,United Kingdom',
      '536383,85123A,"HOLDER, WHITE",1,2010-12-09 09:30:00,2.95,17850.0,United Kingdom',
      '536384,85123A,"HOLDER, WHITE",one,2010-12-09 09:30:00,2.95,17850,United Kingdom',
    ].join('\n'),
  )
  const { events, items, report } = await readAll('online-retail', path)
  expect(report).toMatchObject({ rows: 7, invalid: 1, skipped: { cancellation: 1, 'not-a-product': 1, adjustment: 1 } })
  expect(events.map(({ userId, quantity, price }) => [userId, quantity, price])).toEqual([
    ['17850', 6, 2.55],
    ['invoice:536382', 1, 2.95],
    ['17850', 1, 2.95],
  ])
  expect(events[0]).toMatchObject({
    type: 'purchase',
    sessionId: '536365',
    timeMs: Date.UTC(2010, 11, 1, 8, 26),
    region: 'United Kingdom',
  })
  expect(items.map(({ title, price }) => [title, price])).toEqual([
    ['HOLDER, WHITE', 2.55],
    ['HOLDER, WHITE', 2.95],
  ])
  expect((await readAll('online-retail', path, { anonymous: 'skip' })).report.skipped).toMatchObject({ anonymous: 1 })
})

it('mapped: JSON Lines by path, with constants, spellings, units and a category separator', async () => {
  const path = await fileOf(
    [
      '{"user":{"id":7},"sku":"x","ts":1700000000123,"act":"glance","cat":"Home>Lamps","cost":9.5}',
      'not json',
      '{"user":{"id":8},"sku":"y","ts":1700000000124,"act":"glance","cat":["Home","Rugs"]}',
    ].join('\n'),
    'events.jsonl',
  )
  const mapping = [
    'userId=user.id',
    'itemId=sku',
    'timeMs=ts:ms',
    'type=act',
    'type.glance=view',
    'category=cat:>',
    'price=cost',
    'region:=north',
  ]
  const { events, report } = await readAll('mapped', path, { columns: mapping })
  expect(events[0]).toMatchObject({
    ...{ userId: '7', itemId: 'x', timeMs: 1700000000123, type: 'view' },
    ...{ category: ['Home', 'Lamps'], price: 9.5, region: 'north' },
  })
  expect(report.invalidExamples).toEqual([{ file: path, line: 2, reason: 'not a JSON object' }])
})

it('a wrong column mapping is refused by its part', async () => {
  const path = await fileOf('user,item,at,what\na,x,1000000,view\n')
  const refusals: [string[], RegExp][] = [
    [[], /needs a column mapping/],
    [['who=user'], /"who=user": there is no field "who"/],
    [['userId=user', 'itemId=item', 'type:=view'], /does not say where "timeMs" comes from/],
    [[...columns, 'timeMs=at:fortnights'], /"fortnights" is no time unit/],
    [[...columns, 'type.x=gaze'], /"gaze" is no event type/],
  ]
  for (const [parts, message] of refusals) await expect(readAll('mapped', path, { columns: parts })).rejects.toThrow(message)
})

it('mapped: numbers that no event may have make the row invalid', async () => {
  const path = await fileOf(
    [
      'user,item,at,what,p,q,r',
      'a,x,1000000,view,1e12,1,',
      'a,x,1000000,buy,-1,1,',
      'a,x,1000000,buy,1,1.5,',
      'a,x,1000000,rating,,,9',
      'a,x,1000000,rating,,,',
      'a,x,1000000,buy,1,2,',
    ].join('\n'),
  )
  const { report } = await readAll('mapped', path, { columns: [...columns, 'price=p', 'quantity=q', 'rating=r'] })
  expect(report.invalidExamples.map(({ line, reason }) => `${line} ${reason.split(' ')[0]}`)).toEqual([
    '2 price',
    '3 price',
    '4 quantity',
    '5 rating',
    '6 a',
  ])
  expect(report.events).toBe(1)
})

it('movielens: u.data with u.item and u.user, ratings in time order after people and movies', async () => {
  const inside = await mkdtemp(join(folder, 'ml-'))
  await writeFile(join(inside, 'u.data'), '196\t242\t3\t881250949\n186\t242\t5\t881250940\n')
  await writeFile(
    join(inside, 'u.item'),
    Buffer.from('242|Misérables, Les (1995)|01-Jan-1995||http://x|0|1|0|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0\n', 'latin1'),
  )
  await writeFile(join(inside, 'u.user'), '196|49|M|writer|55105\n186|17|F|student|00000\n')
  const { records, events, items } = await readAll('movielens', inside)
  expect(records.map(({ topic }) => topic)).toEqual(['users', 'users', 'items', 'user-events', 'user-events'])
  expect(records[0]!.value).toMatchObject({ userId: '196', ageGroup: 'age_45_54', gender: 'male' })
  expect(records[1]!.value).toMatchObject({ ageGroup: 'under_18', gender: 'female' })
  expect(items[0]).toMatchObject({ title: 'Misérables, Les (1995)', category: ['Action'], tags: ['Action', 'Drama'] })
  expect(events.map(({ userId, rating }) => [userId, rating])).toEqual([
    ['186', 5],
    ['196', 3],
  ])
})

it('movielens: ratings.csv with movies.csv, and the :: files of 1M', async () => {
  const latest = await mkdtemp(join(folder, 'ml-'))
  await writeFile(join(latest, 'ratings.csv'), 'userId,movieId,rating,timestamp\n1,31,0.5,1260759144\n1,31,7,1260759145\n')
  await writeFile(join(latest, 'movies.csv'), 'movieId,title,genres\n31,"American President, The (1995)",Comedy|Drama\n')
  await writeFile(join(latest, 'tags.csv'), 'userId,movieId,tag,timestamp\n1,31,x,1260759144\n')
  const csv = await readAll('movielens', latest)
  expect(csv.items[0]).toMatchObject({ title: 'American President, The (1995)', tags: ['Comedy', 'Drama'] })
  expect(csv.events[0]).toMatchObject({ type: 'rating', rating: 1, timeMs: 1260759144000 })
  expect(csv.report.invalidExamples[0]).toMatchObject({ line: 3, reason: 'rating "7" is not in 0.5–5' })
  const million = await mkdtemp(join(folder, 'ml-'))
  await writeFile(join(million, 'ratings.dat'), '1::1193::5::978300760\n')
  await writeFile(join(million, 'movies.dat'), "1193::One Flew Over the Cuckoo's Nest (1975)::Drama\n")
  await writeFile(join(million, 'users.dat'), '1::F::25::10::48067\n')
  const dat = await readAll('movielens', million)
  expect(dat.records.map(({ topic }) => topic)).toEqual(['users', 'items', 'user-events'])
  expect(dat.records[0]!.value).toMatchObject({ ageGroup: 'age_25_34', gender: 'female' })
  expect(dat.items[0]).toMatchObject({ createdMs: Date.UTC(1975, 0, 1) })
  await expect(readAll('movielens', await mkdtemp(join(folder, 'ml-')))).rejects.toThrow(/has no MovieLens file .*it is empty/)
})

it('every format says what it reads', () => {
  expect(importFormats.map(({ name }) => name)).toEqual(['movielens', 'sessions', 'globo', 'online-retail', 'mapped'])
  for (const { summary, accepts } of importFormats) expect(summary.length > 20 && accepts.length > 10).toBe(true)
})
