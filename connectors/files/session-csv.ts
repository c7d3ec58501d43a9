import { firstSight } from './first-sight.ts'
import type { ImportFormat } from './import-format.ts'
import { eventRecord, idFault, rowEventId, timeFault } from './import-records.ts'
import { listInputFiles } from './input-files.ts'
import { ColumnNames, mapFiles, type RowMapper } from './map-files.ts'
import { parseTime } from './parse-time.ts'
import { sniffDelimiter } from './sniff-delimiter.ts'
import { sortByTime } from './sort-by-time.ts'
import { startReading } from './start-reading.ts'

/**
 * Session files of the session-based literature (RecSys Challenge 2015, Serenade): columns SessionId, ItemId and Time, and UserId
 * if there is one. Without users each session is a person `s<SessionId>`. Such files are sorted by session: the reading sorts them
 * by time unless told `order: 'file'`. The raw yoochoose-clicks.dat (no header: session, ISO time, item, category) is read too.
 */
export const sessionCsv: ImportFormat = {
  name: 'sessions',
  summary: 'Session clicks (RSC15 style): SessionId, ItemId, Time as views, sorted by time.',
  accepts:
    'one text file with a header SessionId, ItemId, Time (tab, comma or semicolon; time in s, ms or ISO), or yoochoose-clicks.dat; gzip or not',
  options: ['order', 'sortRowsMax'],
  read(path, options = {}) {
    return startReading(path, options, async function* (tally) {
      const files = await listInputFiles(path, /\.(csv|tsv|txt|dat)$/, '.csv, .tsv, .txt or .dat file')
      const delimiters = new Map<string, string>()
      for (const file of files) delimiters.set(file.path, await sniffDelimiter(file))
      const events = mapFiles(files, tally, (file) => ({
        syntax: { delimiter: delimiters.get(file.path)!, quoted: false },
        start: (first) =>
          isYoochoose(first)
            ? { isHeader: false, map: stepMapper({ session: 0, time: 1, item: 2, user: -1 }) }
            : { isHeader: true, map: stepMapper(stepColumns(new ColumnNames(first, file))) },
      }))
      yield* firstSight(sortByTime(events, options))
    })
  },
}

interface StepColumns {
  readonly session: number
  readonly item: number
  readonly time: number
  readonly user: number
}

function stepColumns(columns: ColumnNames): StepColumns {
  return {
    session: columns.need('SessionId', 'session_id', 'session'),
    item: columns.need('ItemId', 'item_id', 'item'),
    time: columns.need('Time', 'timestamp', 'time_ms', 'eventdate'),
    user: columns.find('UserId', 'user_id', 'user'),
  }
}

function isYoochoose(first: readonly string[]): boolean {
  return first.length === 4 && /^\d+$/.test(first[0]!) && /^\d{4}-\d\d-\d\dT/.test(first[1]!)
}

function stepMapper({ session, item, time, user }: StepColumns): RowMapper {
  return (fields, place, push) => {
    const sessionId = fields[session]
    const itemId = fields[item]
    const timeMs = parseTime(fields[time], 'auto')
    const fault = idFault('SessionId', sessionId) ?? idFault('ItemId', itemId) ?? timeFault('Time', fields[time], timeMs)
    if (fault !== null) return fault
    const userId = (user >= 0 && fields[user]) || `s${sessionId}`
    push(
      eventRecord({
        eventId: rowEventId('sessions', place, fields),
        userId,
        itemId: itemId!,
        type: 'view',
        timeMs,
        sessionId: sessionId!,
      }),
    )
    return null
  }
}
