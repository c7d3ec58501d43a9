import { MillraceError } from '../../core/errors.ts'
import type { ImportFormat, ImportRecord } from './import-format.ts'
import { eventRecord, idFault, itemRecord } from './import-records.ts'
import type { ImportTally } from './import-tally.ts'
import { type InputFile, listInputFiles, readChunks } from './input-files.ts'
import { readLines } from './read-rows.ts'
import { startReading } from './start-reading.ts'

/** Bytes of a file of attributes at most: it is read as a whole. */
const attributesBytesMax = 256 * 1024 * 1024
/** Such files have no times: the first event happens here, each further one a second later, in the order of the file. */
const firstMs = Date.UTC(2000, 0, 1)
const stepMs = 1000

/**
 * One session per line, item ids separated by blanks, sessions and clicks in order of time (Diginetica as SR-GNN prepares it).
 * The files carry no times, so each event is a second later than the one before: only the order means something. Each line is a
 * person and a session `s<line>`.
 */
export const sequenceLines: ImportFormat = {
  name: 'sequences',
  summary: 'One session per line, item ids separated by blanks, in order of time; without times.',
  accepts: 'one .txt file or a folder with one; gzip or not',
  options: [],
  read(path, options = {}) {
    return startReading(path, options, async function* (tally) {
      const files = await listInputFiles(path, /\.txt$/, '.txt file')
      yield* readSequences(files, tally, (words, line) => ({ userId: `s${line}`, sessionId: `s${line}`, items: words }))
    })
  },
}

/**
 * One person per line: id, then the items in order of time (the preparation of S3-Rec, CIKM 2020), and beside it
 * `…_item2attributes.json`, whose numbers become tags `a<number>`. Times as in `sequenceLines`.
 */
export const s3rec: ImportFormat = {
  name: 's3rec',
  summary: "One person per line, id and items in order of time (S3-Rec's preparation), with item attributes.",
  accepts: 'a folder with one .txt and one …_item2attributes.json, or the .txt alone; gzip or not',
  options: [],
  read(path, options = {}) {
    return startReading(path, options, async function* (tally) {
      const files = await listInputFiles(path, /\.txt$|_item2attributes\.json$/, '.txt file')
      const sequences = files.filter(({ name }) => !name.endsWith('.json'))
      if (sequences.length !== 1)
        throw new MillraceError('MILL_IMPORT_INVALID', `"${path}" has ${sequences.length} .txt files; exactly one is needed`)
      for (const file of files) if (file.name.endsWith('.json')) yield await readAttributes(file, tally)
      yield* readSequences(sequences, tally, ([userId, ...items]) => ({ userId: userId!, sessionId: null, items }))
    })
  },
}

async function* readSequences(
  files: readonly InputFile[],
  tally: ImportTally,
  ownerOf: (words: readonly string[], line: number) => { userId: string; sessionId: string | null; items: readonly string[] },
): AsyncGenerator<ImportRecord[]> {
  for (const file of files) tally.expectBytes(file.sizeBytes)
  let events = 0
  for (const file of files) {
    const watch = { onBytes: (bytes: number) => tally.readBytes(bytes), onBroken: () => {} }
    for await (const { lines, firstLine } of readLines(file, 'utf8', watch)) {
      const records: ImportRecord[] = []
      for (const [index, text] of lines.entries()) {
        const words = text.trim().split(/\s+/)
        if (words[0] === '') continue
        const line = firstLine + index
        const { userId, sessionId, items } = ownerOf(words, line)
        const fault = idFault('user', userId) ?? items.map((item) => idFault('item', item)).find((one) => one !== null) ?? null
        if (fault !== null) {
          tally.invalid(file.path, line, fault)
          continue
        }
        tally.row()
        for (const [at, itemId] of items.entries()) {
          const timeMs = firstMs + events++ * stepMs
          records.push(eventRecord({ eventId: `${file.name}:${line}:${at}`, userId, itemId, type: 'view', timeMs, sessionId }))
        }
      }
      yield records
    }
  }
}

async function readAttributes(file: InputFile, tally: ImportTally): Promise<ImportRecord[]> {
  tally.expectBytes(file.sizeBytes)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of readChunks(file, (bytes) => tally.readBytes(bytes))) {
    size += chunk.length
    if (size > attributesBytesMax) throw new MillraceError('MILL_IMPORT_INVALID', `"${file.path}" has more than 256 MiB`)
    chunks.push(chunk)
  }
  let read: unknown
  try {
    read = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new MillraceError('MILL_IMPORT_INVALID', `"${file.path}" is no JSON: ${(cause as Error).message}`, { cause })
  }
  return Object.entries(read as Record<string, unknown>).map(([itemId, numbers]) =>
    itemRecord({ itemId, createdMs: 0, tags: Array.isArray(numbers) ? numbers.map((number) => `a${String(number)}`) : [] }),
  )
}
