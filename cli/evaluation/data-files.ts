import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { globoClicks } from '../../connectors/files/globo-clicks.ts'
import type { ImportFormat, ImportOptions } from '../../connectors/files/import-format.ts'
import { mappedFile } from '../../connectors/files/mapped-file.ts'
import { movielens } from '../../connectors/files/movielens.ts'
import { onlineRetail } from '../../connectors/files/online-retail.ts'
import { s3rec, sequenceLines } from '../../connectors/files/sequence-lines.ts'
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

const taobaoColumns = ['userId=user_id', 'itemId=item_id', 'timeMs=timestamp:s', 'type=behavior']
/** Fields of the engine's own log, named as in the schema. */
const eventColumns = [
  'eventId',
  'userId',
  'itemId',
  'type',
  'timeMs',
  'sessionId',
  'rating',
  'query',
  'category',
  'brand',
  'price',
  'quantity',
].map((field) => `${field}=${field}`)

/** Formats whose files are read as one whole. */
const readers: Readonly<Record<string, { readonly format: ImportFormat; readonly options: ImportOptions }>> = {
  movielens: { format: movielens, options: {} },
  globo: { format: globoClicks, options: {} },
  'online-retail': { format: onlineRetail, options: {} },
  taobao: { format: mappedFile, options: { columns: taobaoColumns } },
  s3rec: { format: s3rec, options: {} },
  sequences: { format: sequenceLines, options: {} },
  events: { format: mappedFile, options: { columns: eventColumns } },
}

/** Finds the files of a data set. Errors: `MILL_IMPORT_INVALID` naming what is missing. */
export async function dataFilesOf(name: string, path: string): Promise<DataFiles> {
  const found = await stat(path).catch((cause) => {
    throw new MillraceError('MILL_IMPORT_INVALID', `there is no file or folder "${path}"`, { cause })
  })
  const reader = readers[name]
  if (reader !== undefined) return [{ file: path, part: 'train', ...reader }]
  if (!found.isDirectory()) return [{ file: path, part: 'train', format: sessionCsv, options: {} }]
  return await sessionParts(path)
}

/** Names of the parts in session files: plain, or as RSC15 is cut for tuning. */
const partNames = [
  { train: /^train\./, valid: /^valid\./, test: /^test\./ },
  { train: /_train_tr\./, valid: /_train_valid\./, test: /_test\./ },
] as const

/** The parts of a folder of session files by their names; without such names everything is one. */
async function sessionParts(path: string): Promise<DataFiles> {
  const names = (await readdir(path)).filter((name) => /\.(csv|tsv|txt|dat)(\.gz)?$/.test(name)).sort()
  if (names.length === 0)
    throw new MillraceError('MILL_IMPORT_INVALID', `the folder "${path}" has no .csv, .tsv, .txt or .dat file`)
  const files = (part: DataPart, pattern: RegExp) =>
    names.filter((name) => pattern.test(name)).map((name) => ({ file: join(path, name), part, format: sessionCsv, options: {} }))
  for (const { train, valid, test } of partNames)
    if (files('train', train).length === 1) return [...files('train', train), ...files('valid', valid), ...files('test', test)]
  return files('train', /./)
}
