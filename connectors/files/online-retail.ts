import type { ImportFormat, ImportOptions, ImportRecord } from './import-format.ts'
import { eventRecord, idFault, itemRecord, rowEventId, timeFault } from './import-records.ts'
import type { ImportTally } from './import-tally.ts'
import { listInputFiles } from './input-files.ts'
import { ColumnNames, mapFiles, type RowMapper } from './map-files.ts'
import { parseTime } from './parse-time.ts'
import { startReading } from './start-reading.ts'

/** Postage, manual entries, discounts, fees, samples, vouchers: lines that sell nothing one could recommend. */
const notProducts = /^(POST|DOT|M|C2|D|S|B|CRUK|AMAZONFEE|BANK CHARGES|ADJUST\d*|TEST\d+|gift_\d+_\d+)$/i
/** Bulk prices go up and down from line to line: an item is not sent anew more often than this. */
const priceEveryMs = 7 * 86_400_000
/** Item codes remembered; the data set has about 4,000. */
const itemsMax = 1_000_000

interface KnownItem {
  title: string
  price: number
  sentMs: number
  createdMs: number
}

/**
 * The UCI Online Retail file: each invoice line is a purchase by its customer; invoice = session; country = region; times are the
 * shop's local time and taken as UTC. Left out and counted: `cancellation` (invoice number begins with C), `adjustment` (quantity
 * or price not above 0: stock corrections), `not-a-product` (postage, fees, vouchers), `anonymous` (no customer, if told to skip
 * them; else such a line belongs to a person `invoice:<number>`). Items are built from the lines: a record at first sight, when
 * the description appears, and at most once a week when the price changed.
 */
export const onlineRetail: ImportFormat = {
  name: 'online-retail',
  summary: 'UCI Online Retail: invoice lines as purchases, items from descriptions and prices.',
  accepts:
    'the CSV with InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country; or a folder of such files',
  options: ['anonymous'],
  read(path, options = {}) {
    return startReading(path, options, async function* (tally) {
      const files = await listInputFiles(path, /\.csv$/, '.csv or .csv.gz file')
      const known = new Map<string, KnownItem>()
      yield* mapFiles(files, tally, () => ({
        syntax: { delimiter: ',', quoted: true },
        start: (first, file) => ({ isHeader: true, map: lineMapper(new ColumnNames(first, file), known, tally, options) }),
      }))
    })
  },
}

function lineMapper(
  columns: ColumnNames,
  known: Map<string, KnownItem>,
  tally: ImportTally,
  { anonymous = 'invoice' }: ImportOptions,
): RowMapper {
  const invoiceAt = columns.need('InvoiceNo', 'Invoice')
  const codeAt = columns.need('StockCode')
  const titleAt = columns.need('Description')
  const quantityAt = columns.need('Quantity')
  const timeAt = columns.need('InvoiceDate')
  const priceAt = columns.need('UnitPrice', 'Price')
  const customerAt = columns.need('CustomerID', 'Customer ID')
  const countryAt = columns.find('Country')
  return (fields, place, push) => {
    const invoice = fields[invoiceAt]
    const code = fields[codeAt]?.trim()
    const quantity = Number(fields[quantityAt] || Number.NaN)
    const price = Number(fields[priceAt] || Number.NaN)
    const timeMs = parseTime(fields[timeAt], 'iso')
    const fault = idFault('InvoiceNo', invoice) ?? idFault('StockCode', code) ?? timeFault('InvoiceDate', fields[timeAt], timeMs)
    if (fault !== null) return fault
    if (!Number.isInteger(quantity)) return `Quantity "${fields[quantityAt] ?? ''}" is no whole number`
    if (!Number.isFinite(price)) return `UnitPrice "${fields[priceAt] ?? ''}" is no number`
    const customer = fields[customerAt]?.replace(/\.0$/, '') ?? ''
    const reason = leftOut({ invoice: invoice!, code: code!, quantity, price, isAnonymous: customer === '', anonymous })
    if (reason !== null) {
      tally.skip(reason)
      return null
    }
    noteItem({ known, code: code!, title: fields[titleAt]?.trim() ?? '', price, timeMs, push })
    push(
      eventRecord({
        eventId: rowEventId('online-retail', place, fields),
        userId: customer === '' ? `invoice:${invoice}` : customer,
        itemId: code!,
        type: 'purchase',
        timeMs,
        sessionId: invoice!,
        price,
        quantity,
        region: fields[countryAt] || null,
      }),
    )
    return null
  }
}

function leftOut(line: {
  readonly invoice: string
  readonly code: string
  readonly quantity: number
  readonly price: number
  readonly isAnonymous: boolean
  readonly anonymous: 'invoice' | 'skip'
}): string | null {
  if (/^C/i.test(line.invoice)) return 'cancellation'
  if (notProducts.test(line.code)) return 'not-a-product'
  if (line.quantity <= 0 || line.price <= 0) return 'adjustment'
  return line.isAnonymous && line.anonymous === 'skip' ? 'anonymous' : null
}

function noteItem(line: {
  readonly known: Map<string, KnownItem>
  readonly code: string
  readonly title: string
  readonly price: number
  readonly timeMs: number
  readonly push: (record: ImportRecord) => void
}): void {
  const { known, code, title, price, timeMs, push } = line
  const before = known.get(code)
  if (before === undefined && known.size >= itemsMax) return
  const gainedTitle = before !== undefined && before.title === '' && title !== ''
  const movedPrice = before !== undefined && before.price !== price && timeMs - before.sentMs >= priceEveryMs
  if (before !== undefined && !gainedTitle && !movedPrice) return
  const now = { title: before?.title || title, price, sentMs: timeMs, createdMs: before?.createdMs ?? timeMs }
  known.set(code, now)
  push(itemRecord({ itemId: code, title: now.title, price, createdMs: now.createdMs }))
}
