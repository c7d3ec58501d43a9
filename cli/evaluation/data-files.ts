import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImportFormat, ImportOptions } from '../../connectors/files/import-format.ts'
import { movielens } from '../../connectors/files/movielens.ts'
import { sessionCsv } from '../../connectors/files/session-csv.ts'
import { MillraceError } from '../../core/errors.ts'
import type { DataPart } from '../../evaluation/observations.ts'

/** Files to read, who reads them and to which part they belong. */
export type DataFiles = readonly {
  readonly file: string
  readonly part: DataPart
  readonly format: ImportFormat
  readonly options: ImportOptions
}[]

/** Finds the files of a data set. Errors: `MILL_IMPORT_INVALID` naming what is missing. */
export async function dataFilesOf(format: string, path: string): Promise<DataFiles> {
  const found = await stat(path).catch((cause) => {
    throw new MillraceError('MILL_IMPORT_INVALID', `there is no file or folder "${path}"`, { cause })
  })
  const whole = (reader: ImportFormat, options: ImportOptions = {}): DataFiles => [
    { file: path, part: 'train', format: reader, options },
  ]
  switch (format) {
    case 'movielens':
      return whole(movielens)
    default:
      return found.isDirectory() ? await sessionParts(path) : whole(sessionCsv)
  }
}

/** The parts of a folder of session files by their names: train, valid, test, or `…_train_tr` and `…_train_valid`. */
async function sessionParts(path: string): Promise<DataFiles> {
  const names = (await readdir(path)).filter((name) => /\.(csv|tsv|txt|dat)(\.gz)?$/.test(name)).sort()
  const named = (pattern: RegExp) => names.filter((name) => pattern.test(name))
  const take = (part: DataPart, files: readonly string[]) =>
    files.map((name) => ({ file: join(path, name), part, format: sessionCsv, options: {} }))
  const plain = { train: named(/^train\./), valid: named(/^valid\./), test: named(/^test\./) }
  if (plain.train.length === 1) return [...take('train', plain.train), ...take('valid', plain.valid), ...take('test', plain.test)]
  const tuning = { train: named(/_train_tr\./), valid: named(/_train_valid\./), test: named(/_test\./) }
  if (tuning.train.length === 1)
    return [...take('train', tuning.train), ...take('valid', tuning.valid), ...take('test', tuning.test)]
  if (names.length === 0)
    throw new MillraceError('MILL_IMPORT_INVALID', `the folder "${path}" has no .csv, .tsv, .txt or .dat file`)
  return take('train', names)
}
