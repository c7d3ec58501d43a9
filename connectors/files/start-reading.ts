import { MillraceError } from '../../core/errors.ts'
import type { ImportBatch, ImportOptions, ImportReading, ImportRecord } from './import-format.ts'
import { ImportTally } from './import-tally.ts'

/**
 * Makes a reading out of a generator of records: cuts batches, counts, reports progress, refuses a file of which nothing could be
 * used. Errors: `MILL_IMPORT_INVALID`.
 */
export function startReading(
  path: string,
  options: ImportOptions,
  records: (tally: ImportTally) => AsyncGenerator<ImportRecord[]>,
): ImportReading {
  const batchRecordsMax = options.batchRecordsMax ?? 2000
  if (!(batchRecordsMax >= 1 && batchRecordsMax <= 100_000))
    throw new MillraceError('MILL_IMPORT_INVALID', `"batchRecordsMax" is ${batchRecordsMax}; it must lie in 1–100000`)
  const tally = new ImportTally(options)
  return { batches: cutBatches(), report: () => tally.report() }

  async function* cutBatches(): AsyncGenerator<ImportBatch> {
    for await (const block of records(tally)) {
      for (let from = 0; from < block.length; from += batchRecordsMax) {
        const piece = block.length <= batchRecordsMax ? block : block.slice(from, from + batchRecordsMax)
        tally.sent(piece)
        const progress = tally.progress()
        yield { records: piece, ...progress }
        options.onProgress?.(progress)
      }
    }
    tally.finish(path)
    options.onProgress?.(tally.progress())
  }
}
