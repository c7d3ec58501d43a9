import type { Device } from '../../schemas/user-event.ts'
import { firstSight } from './first-sight.ts'
import type { ImportFormat } from './import-format.ts'
import { eventRecord, idFault, rowEventId, timeFault } from './import-records.ts'
import { listInputFiles } from './input-files.ts'
import { ColumnNames, mapFiles, type RowMapper } from './map-files.ts'
import { startReading } from './start-reading.ts'

/**
 * Device classes of `click_deviceGroup`. The codes are not documented; the data tell: only 3 and 4 occur with clicks from the
 * mobile app (environment 2), 1 is the bulk of the web, 4 a few per cent of each.
 */
const deviceGroups: Readonly<Record<string, Device>> = { 1: 'desktop', 3: 'mobile', 4: 'tablet' }

/** "News Portal User Interactions by Globo.com": page views of a news portal; session_size is left out, for it knows the future. */
export const globoClicks: ImportFormat = {
  name: 'globo',
  summary: 'Globo.com (G1) news clicks: page views with session, device and region, in time order.',
  accepts: 'one clicks_*.csv or .csv.gz, or a folder of them, taken by name',
  options: [],
  read(path, options = {}) {
    return startReading(path, options, async function* (tally) {
      const files = await listInputFiles(path, /^clicks_.*\.csv$/, 'clicks_*.csv or clicks_*.csv.gz')
      yield* firstSight(
        mapFiles(files, tally, () => ({
          syntax: { delimiter: ',', quoted: false },
          start: (first, file) => ({ isHeader: true, map: clickMapper(new ColumnNames(first, file)) }),
        })),
      )
    })
  },
}

function clickMapper(columns: ColumnNames): RowMapper {
  const user = columns.need('user_id')
  const session = columns.need('session_id')
  const item = columns.need('click_article_id')
  const time = columns.need('click_timestamp')
  const device = columns.find('click_deviceGroup')
  const country = columns.find('click_country')
  const region = columns.find('click_region')
  return (fields, place, push) => {
    const userId = fields[user]
    const itemId = fields[item]
    const timeMs = Number(fields[time] || Number.NaN)
    const fault =
      idFault('user_id', userId) ?? idFault('click_article_id', itemId) ?? timeFault('click_timestamp', fields[time], timeMs)
    if (fault !== null) return fault
    push(
      eventRecord({
        eventId: rowEventId('globo', place, fields),
        userId: userId!,
        itemId: itemId!,
        type: 'view',
        timeMs,
        sessionId: fields[session] || null,
        device: deviceGroups[fields[device] ?? ''] ?? 'unknown',
        region: country < 0 || region < 0 ? null : `${fields[country]}-${fields[region]}`,
        timeZone: 'America/Sao_Paulo',
      }),
    )
    return null
  }
}
