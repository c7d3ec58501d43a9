import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, it } from 'vitest'

/** Reads a gzipped, tab-separated file with a header line as rows of texts. */
export type ReadRows = (file: string) => string[][]

/**
 * A `describe` over one of the data sets beside the project (../shared/data/<name>), which may not be published with it;
 * where it is missing, one skipped test that says so.
 */
export function describeWithData(name: string, title: string, body: (rows: ReadRows) => void): void {
  const folder = fileURLToPath(new URL(`../../../shared/data/${name}/`, import.meta.url))
  if (!existsSync(folder)) {
    describe(title, () => it.skip(`needs the data set ${name}, which is not at ../shared/data/${name}`, () => {}))
    return
  }
  describe(title, () => {
    body((file) => {
      const text = gunzipSync(readFileSync(`${folder}${file}`)).toString('utf8')
      const lines = text.trimEnd().split('\n').slice(1)
      return lines.map((line) => line.split('\t'))
    })
  })
}
