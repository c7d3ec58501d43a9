import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { MillraceError } from '../../core/errors.ts'

const chunkBytes = 256 * 1024

/** A file to import, read piece by piece. */
export interface InputFile {
  readonly path: string
  /** Name without folder and without `.gz`: part of event ids, so that a moved or packed file gives the same ids. */
  readonly name: string
  readonly sizeBytes: number
}

/** The file itself, or the files of a folder whose name without `.gz` fits, by name. Errors: `MILL_IMPORT_INVALID`. */
export async function listInputFiles(path: string, accepts: RegExp, words: string): Promise<InputFile[]> {
  const found = await stat(path).catch((cause) => {
    throw new MillraceError('MILL_IMPORT_INVALID', `there is no file or folder "${path}"`, { cause })
  })
  if (!found.isDirectory()) return [{ path, name: plainName(path), sizeBytes: found.size }]
  const all = (await readdir(path)).sort(byNumberedName)
  const fitting = all.filter((name) => accepts.test(plainName(name)))
  if (fitting.length === 0) {
    const there = all.length === 0 ? 'it is empty' : `it has: ${all.slice(0, 10).join(', ')}${all.length > 10 ? ', …' : ''}`
    throw new MillraceError('MILL_IMPORT_INVALID', `the folder "${path}" has no ${words} (${there})`)
  }
  return Promise.all(
    fitting.map(async (name) => {
      const inside = join(path, name)
      return { path: inside, name: plainName(name), sizeBytes: (await stat(inside)).size }
    }),
  )
}

/** Pieces of the file's bytes, unpacked if its content is gzip; `onBytes` counts what was read from the disk. */
export async function* readChunks(file: InputFile, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const source = createReadStream(file.path, { highWaterMark: chunkBytes })
  const stream = (await isGzip(file.path)) ? pipeline(source, createGunzip({ chunkSize: chunkBytes }), () => {}) : source
  let counted = 0
  try {
    for await (const chunk of stream) {
      onBytes(source.bytesRead - counted)
      counted = source.bytesRead
      yield chunk as Buffer
    }
    onBytes(source.bytesRead - counted)
  } catch (cause) {
    throw new MillraceError('MILL_IMPORT_INVALID', `"${file.path}" cannot be read: ${(cause as Error).message}`, { cause })
  } finally {
    source.destroy()
    stream.destroy()
  }
}

function plainName(path: string): string {
  return basename(path).replace(/\.gz$/, '')
}

function byNumberedName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path)
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await handle.close()
  }
}
