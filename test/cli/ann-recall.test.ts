import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { embeddingWidth } from '../../algorithms/catalogue.ts'
import { normalizeRows } from '../../algorithms/cosine.ts'
import { loadConfig } from '../../cli/config.ts'
import { openJob } from '../../cli/open-job.ts'
import { createRandom } from '../../core/random.ts'

it('a job with more items than may be searched exactly tells the recall of its index, and one with fewer does not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-ann-'))
  const config = loadConfig(undefined, {
    embedded: { path: ':memory:' },
    inference: { repository: folder },
    recommendations: { exactItemsMax: 500 },
    log: { level: 'silent' },
  })
  const { tables, ports, inference } = await openJob(config)
  try {
    const { catalogue, nearest } = tables.catalogue
    const random = createRandom('recall')
    const vector = () => {
      const numbers = Float32Array.from({ length: embeddingWidth }, () => random.next() - 0.5)
      normalizeRows(numbers, embeddingWidth)
      return numbers
    }
    const fill = (from: number, to: number): void => {
      for (let at = from; at < to; at++) {
        const row = catalogue.rowOf(`i${at}`)
        catalogue.vectors.set(row, vector())
        nearest.changed(row)
      }
      nearest.advance(to)
    }
    const recall = async () => /^millrace_ann_recall\S* ([\d.]+)/m.exec(await ports.metrics.scrape())?.[1]
    const search = () => nearest.nearest(vector(), () => true, new Int32Array(100), new Float32Array(100))
    fill(0, 500)
    expect(search()).toBe(100)
    expect(await recall()).toBe(undefined)
    fill(500, 600)
    expect(search()).toBe(100)
    expect(Number(await recall())).toBeGreaterThan(0.95)
  } finally {
    await inference.close()
    await ports.close()
    rmSync(folder, { recursive: true })
  }
})
