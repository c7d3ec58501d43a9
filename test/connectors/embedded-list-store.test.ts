import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedListStore } from '../../connectors/embedded/list-store.ts'
import { listStoreConformance } from '../conformance/list-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-lists-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

listStoreConformance('embedded', async () => {
  const database = openEmbeddedDatabase(join(folder, 'lists.db'))
  const store = new EmbeddedListStore(database)
  return Object.assign(store, {
    close: async () => database.close(),
  })
})
