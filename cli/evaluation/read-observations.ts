import type { ImportFormat } from '../../connectors/files/import-format.ts'
import { MillraceError } from '../../core/errors.ts'
import type { FormatHabits } from '../../evaluation/formats.ts'
import { ObservationBuilder } from '../../evaluation/observation-builder.ts'
import type { DataPart, Observations } from '../../evaluation/observations.ts'
import type { Item } from '../../schemas/item.ts'
import { type DataFiles, dataFilesOf } from './data-files.ts'

/** Reads a data set into memory, its items in an order drawn from `tieSeed` if there is one. Errors: `MILL_IMPORT_INVALID` naming the file; `MILL_USAGE` for an unknown format. */
export async function readObservations(
  habits: FormatHabits,
  path: string,
  tieSeed: number | undefined,
  onProgress: (share: number) => void,
): Promise<Observations> {
  const builder = new ObservationBuilder({ sessionGapMs: habits.sessionGapMs, tieSeed })
  const files: DataFiles = await dataFilesOf(habits.name, path)
  for (let at = 0; at < files.length; at++) {
    const { file, part, format, options } = files[at]!
    await readInto(builder, format, file, part, options, (share) => onProgress((at + share) / files.length))
  }
  return builder.finish()
}

async function readInto(
  builder: ObservationBuilder,
  format: ImportFormat,
  path: string,
  part: DataPart,
  options: DataFiles[number]['options'],
  onProgress: (share: number) => void,
): Promise<void> {
  const reading = format.read(path, { ...options, sortRowsMax: Number.MAX_SAFE_INTEGER })
  for await (const { records, bytesRead, bytesTotal } of reading.batches) {
    for (const record of records) {
      if (record.topic === 'user-events') builder.add(record.value, part)
      else if (record.topic === 'items' && saysSomething(record.value)) builder.describe(record.value)
    }
    onProgress(bytesTotal === 0 ? 1 : bytesRead / bytesTotal)
  }
  const { invalid, invalidExamples } = reading.report()
  if (invalid > 0) {
    const first = invalidExamples[0]!
    throw new MillraceError(
      'MILL_IMPORT_INVALID',
      `${invalid} rows cannot be used, the first is ${first.file}:${first.line} ${first.reason}; an evaluation takes all or nothing`,
    )
  }
}

/** Items nobody described are made up by the readers at their first event; those have nothing but an id. */
function saysSomething({ itemId, title, tags, category }: Item): boolean {
  return title !== itemId || tags.length > 0 || category.length > 0
}
