import { MillraceError } from '../../core/errors.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import type { ImportOptions, ImportRecord } from './import-format.ts'

const blockSize = 5000

/**
 * Puts events into time order, equal times in file order; other records come first. With `order: 'file'` it passes everything
 * on. Holds all records, at most `sortRowsMax`. Errors: `MILL_IMPORT_INVALID` above that, naming the way out.
 */
export async function* sortByTime(
  blocks: AsyncGenerator<ImportRecord[]>,
  options: Pick<ImportOptions, 'order' | 'sortRowsMax'>,
): AsyncGenerator<ImportRecord[]> {
  if (options.order === 'file') {
    yield* blocks
    return
  }
  const rowsMax = options.sortRowsMax ?? 1_000_000
  const events: Extract<ImportRecord, { topic: 'user-events' }>[] = []
  for await (const block of blocks) {
    const others: ImportRecord[] = []
    for (const record of block) {
      if (record.topic === 'user-events') events.push(record)
      else others.push(record)
    }
    if (others.length > 0) yield others
    if (events.length > rowsMax)
      throw new MillraceError(
        'MILL_IMPORT_INVALID',
        `more than ${rowsMax} rows to sort by time in memory: sort the file by its time column first and import it with ` +
          'order "file", or raise "sortRowsMax"',
      )
  }
  events.sort((a, b) => timeOf(a.value) - timeOf(b.value))
  for (let from = 0; from < events.length; from += blockSize) yield events.slice(from, from + blockSize)
}

function timeOf(event: UserEvent): number {
  return event.timeMs
}
