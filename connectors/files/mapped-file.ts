import { MillraceError } from '../../core/errors.ts'
import { devices } from '../../schemas/user-event.ts'
import { type ColumnMapping, type MappedField, parseColumnMapping } from './column-mapping.ts'
import { firstSight } from './first-sight.ts'
import type { ImportFormat } from './import-format.ts'
import { eventRecord, type ImportedEvent, idFault, rowEventId, timeFault } from './import-records.ts'
import { listInputFiles } from './input-files.ts'
import { mapJsonLines } from './json-lines.ts'
import { ColumnNames, mapFiles, type RowMapper } from './map-files.ts'
import { parseTime } from './parse-time.ts'
import { sniffDelimiter } from './sniff-delimiter.ts'
import { sortByTime } from './sort-by-time.ts'
import { startReading } from './start-reading.ts'

/** Limits of Avro `int` and of money with 12 digits. */
const countMax = 2_147_483_647
const priceMax = 9_999_999_999

/**
 * Any CSV with a header, or JSON Lines, with a column mapping (column-mapping.ts). The rows are taken as they come, for such files
 * are mostly logs; `order: 'time'` sorts them in memory. In JSON Lines a column is a path: `user.id`.
 */
export const mappedFile: ImportFormat = {
  name: 'mapped',
  summary: 'Any CSV or JSON Lines file of events, with a column mapping such as userId=user_id timeMs=timestamp:s type:=view.',
  accepts: 'one .csv, .tsv, .txt, .jsonl or .ndjson file or a folder of them; header needed in CSV; gzip or not',
  options: ['columns', 'order', 'sortRowsMax'],
  read(path, options = {}) {
    return startReading(path, options, async function* (tally) {
      if (!options.columns || options.columns.length === 0)
        throw new MillraceError(
          'MILL_IMPORT_INVALID',
          'the format "mapped" needs a column mapping, e.g. userId=user_id itemId=item_id timeMs=ts:s type:=view',
        )
      const mapping = parseColumnMapping(options.columns)
      const files = await listInputFiles(path, /\.(csv|tsv|txt|jsonl|ndjson)$/, '.csv, .tsv, .txt, .jsonl or .ndjson file')
      const isJson = files.filter(({ name }) => /\.(jsonl|ndjson)$/.test(name))
      if (isJson.length > 0 && isJson.length < files.length)
        throw new MillraceError(
          'MILL_IMPORT_INVALID',
          `the folder "${path}" mixes CSV and JSON Lines; import them one after the other`,
        )
      const delimiters = new Map<string, string>()
      for (const file of files) if (isJson.length === 0) delimiters.set(file.path, await sniffDelimiter(file))
      const records =
        isJson.length > 0
          ? mapJsonLines(files, tally, columnsOf(mapping), (columns) => eventMapper(mapping, (name) => columns.indexOf(name)))
          : mapFiles(files, tally, (file) => ({
              syntax: { delimiter: delimiters.get(file.path)!, quoted: true },
              start(first) {
                const columns = new ColumnNames(first, file)
                return { isHeader: true, map: eventMapper(mapping, (name) => columns.need(name)) }
              },
            }))
      yield* firstSight(sortByTime(records, { order: 'file', ...options }))
    })
  },
}

/** Names of the columns in use, in a fixed order. */
function columnsOf(mapping: ColumnMapping): string[] {
  return [...new Set([...mapping.sources.values()].flatMap((source) => ('column' in source ? [source.column] : [])))]
}

function eventMapper(mapping: ColumnMapping, indexOf: (column: string) => number): RowMapper {
  const readers = new Map<MappedField, (fields: readonly string[]) => string | undefined>()
  for (const [field, source] of mapping.sources) {
    if ('constant' in source) readers.set(field, () => source.constant)
    else {
      const at = indexOf(source.column)
      readers.set(field, (fields) => fields[at])
    }
  }
  return (fields, place, push) => {
    const text = (field: MappedField): string | null => readers.get(field)?.(fields)?.trim() || null
    const typeText = text('type')
    const type = mapping.types.get(typeText ?? '') ?? mapping.types.get((typeText ?? '').toLowerCase())
    if (type === undefined) return `type "${typeText ?? ''}" is unknown; name it with type.${typeText || 'spelling'}=view`
    const itemId = type === 'search' ? null : text('itemId')
    const timeText = text('timeMs') ?? undefined
    const timeMs = parseTime(timeText, mapping.timeUnit)
    const fault =
      idFault('userId', text('userId') ?? undefined) ??
      (type === 'search' ? null : idFault('itemId', itemId ?? undefined)) ??
      timeFault('timeMs', timeText, timeMs)
    if (fault !== null) return fault
    if (type === 'search' && text('query') === null) return 'a search without a query'
    const event: ImportedEvent = {
      eventId: text('eventId') ?? rowEventId('mapped', place, fields),
      ...{ userId: text('userId')!, itemId, type, timeMs },
      sessionId: text('sessionId'),
      listId: text('listId'),
      position: numberOf(text('position')),
      rating: numberOf(text('rating')),
      price: numberOf(text('price')),
      quantity: numberOf(text('quantity')),
      query: text('query'),
      device: devices.find((device) => device === text('device')?.toLowerCase()) ?? 'unknown',
      region: text('region'),
      timeZone: text('timeZone'),
      category: text('category')?.split(mapping.categorySeparator).filter(Boolean) ?? [],
      brand: text('brand'),
    }
    const wrong = numberFault(event)
    if (wrong === null) push(eventRecord(event))
    return wrong
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= countMax
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text)
}

/** The rules of F1.5 for numbers, and what their Avro types hold. */
function numberFault(event: ImportedEvent): string | null {
  const { position, rating, price, quantity } = event
  if (event.type === 'rating' && rating === null) return 'a rating without a rating'
  if (position != null && !isCount(position)) return `position is no whole number in 0–${countMax}`
  if (rating != null && !(rating >= 1 && rating <= 5)) return 'rating is not in 1–5'
  if (price != null && !(price >= 0 && price <= priceMax)) return `price is no number in 0–${priceMax}`
  if (quantity != null && !isCount(quantity)) return `quantity is no whole number in 0–${countMax}`
  return idFault('eventId', event.eventId)
}
